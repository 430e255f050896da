//! Fills a message from a document, by reflection.

use super::document::Document;
use super::scalar::{self, Scalar};
use super::suggest::suggestion;
use crate::json::in_union;
use crate::model::{Defect, Fault};
use capnp::dynamic_value::Builder;
use capnp::introspect::{Type, TypeVariant};
use capnp::schema::{Field, StructSchema};
use capnp::{dynamic_list, dynamic_struct};
use std::collections::HashSet;

/// The most elements a list is built with: more than any list of the schema may have, and few enough that a
/// text cannot make the builder allocate without bounds.
const LIST_MAX: usize = 10_000;

/// Fills `root` and gives all faults, in the order of the document. What is at fault is left out.
pub(super) fn fill<'a>(root: impl Into<Builder<'a>>, document: &Document) -> Vec<Fault> {
    let mut filler = Filler::default();
    match root.into() {
        Builder::Struct(root) => filler.object(root, document),
        _ => filler.fault(Defect::new("wrong-type", "the root is not a struct")),
    }
    filler.faults
}

#[derive(Default)]
struct Filler {
    path: String,
    faults: Vec<Fault>,
}

impl Filler {
    fn fault(&mut self, defect: Defect) {
        self.faults.push(defect.at(self.path.clone()));
    }

    /// Does something one level deeper: in a field, or at an index (`[3]`).
    fn at(&mut self, part: &str, work: impl FnOnce(&mut Self)) {
        let before = self.path.len();
        if before > 0 && !part.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(part);
        work(self);
        self.path.truncate(before);
    }

    fn wrong_type(&mut self, found: &Document, expected: &str, hint: Option<String>) {
        let mut defect = Defect::new(
            "wrong-type",
            format!("{expected} is expected here, not {found}"),
        );
        defect.hint = hint;
        self.fault(defect);
    }

    /// Notes an error of the Cap'n Proto library, which the checks before leave no cause for.
    fn checked<T>(&mut self, result: capnp::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(Defect::new("message-malformed", error.to_string()));
                None
            }
        }
    }

    fn object(&mut self, mut target: dynamic_struct::Builder<'_>, document: &Document) {
        let schema = target.get_schema();
        let Document::Map(entries) = document.value() else {
            let hint = format!("its fields are {}", field_names(schema).join(", "));
            return self.wrong_type(document, "an object", Some(hint));
        };
        let mut chosen: Option<&str> = None;
        let mut seen = HashSet::new();
        for (key, value) in entries {
            let twice = !seen.insert(key);
            self.at(&shown(key), |filler| {
                if twice {
                    return filler.fault(Defect::new("duplicate-key", "stands twice"));
                }
                let Some(found) = filler.checked(schema.find_field_by_name(key)) else {
                    return;
                };
                let Some(field) = found else {
                    return filler.unknown(schema, key);
                };
                if is_absent(field, value) || !filler.choose(field, key, &mut chosen) {
                    return;
                }
                filler.field(&mut target, field, value);
            });
        }
    }

    fn unknown(&mut self, schema: StructSchema, key: &str) {
        let mut defect = Defect::new("unknown-field", "there is no such field");
        defect.hint = suggestion(key, &field_names(schema));
        self.fault(defect);
    }

    /// Notes that a member of the union is chosen. False when another one was before.
    fn choose<'k>(&mut self, field: Field, key: &'k str, chosen: &mut Option<&'k str>) -> bool {
        if !in_union(field) {
            return true;
        }
        if let Some(other) = chosen {
            let message = format!("not together with {other}: choose one of them");
            self.fault(Defect::new("union-conflict", message));
            return false;
        }
        *chosen = Some(key);
        true
    }

    fn field(&mut self, target: &mut dynamic_struct::Builder<'_>, field: Field, value: &Document) {
        match field.get_type().which() {
            TypeVariant::Struct(_) => {
                let inner = target.reborrow().init(field);
                if let Some(Builder::Struct(inner)) = self.checked(inner) {
                    self.object(inner, value);
                }
            }
            TypeVariant::List(element) => {
                let Some((items, len)) = self.items(value) else {
                    return;
                };
                let list = target.reborrow().initn(field, len);
                if let Some(Builder::List(list)) = self.checked(list) {
                    self.list(list, element, items);
                }
            }
            _ => self.scalar(field.get_type(), value, |value| {
                value.with(|value| target.set(field, value))
            }),
        }
    }

    /// The elements of a list, and how many they are.
    fn items<'d>(&mut self, document: &'d Document) -> Option<(&'d [Document], u32)> {
        let Document::List(items) = document.value() else {
            let hint = "write a list, also of a single element";
            self.wrong_type(document, "a list", Some(hint.into()));
            return None;
        };
        match u32::try_from(items.len()) {
            Ok(len) if items.len() <= LIST_MAX => Some((items, len)),
            _ => {
                self.fault(Defect::too_long(items.len(), LIST_MAX, "elements"));
                None
            }
        }
    }

    fn list(&mut self, mut list: dynamic_list::Builder<'_>, element: Type, items: &[Document]) {
        for (index, item) in (0u32..).zip(items) {
            self.at(&format!("[{index}]"), |filler| match element.which() {
                TypeVariant::Struct(_) => {
                    let inner = list.reborrow().get(index);
                    if let Some(Builder::Struct(inner)) = filler.checked(inner) {
                        filler.object(inner, item);
                    }
                }
                TypeVariant::List(inner) => {
                    let Some((items, len)) = filler.items(item) else {
                        return;
                    };
                    let within = list.reborrow().init(index, len);
                    if let Some(Builder::List(within)) = filler.checked(within) {
                        filler.list(within, inner, items);
                    }
                }
                _ => filler.scalar(element, item, |value| {
                    value.with(|value| list.set(index, value))
                }),
            });
        }
    }

    /// Reads a value that is neither struct nor list and hands it to `set`.
    fn scalar(
        &mut self,
        kind: Type,
        document: &Document,
        set: impl FnOnce(Scalar<'_>) -> capnp::Result<()>,
    ) {
        match scalar::read(kind, document) {
            Ok(value) => drop(self.checked(set(value))),
            Err(defect) => self.fault(defect),
        }
    }
}

/// Whether a field is not given: `null` stands for that, but for a union member without a value, which `null`
/// chooses.
fn is_absent(field: Field, value: &Document) -> bool {
    let is_void = matches!(field.get_type().which(), TypeVariant::Void);
    *value == Document::Null && !(is_void && in_union(field))
}

/// A key as it stands in a path; quoted when it would be mistaken for something else there.
fn shown(key: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "_-$@/".contains(character);
    if !key.is_empty() && key.chars().all(plain) {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}

fn field_names(schema: StructSchema) -> Vec<&'static str> {
    let fields = schema.get_fields().ok();
    fields
        .into_iter()
        .flatten()
        .filter_map(|field| field.get_proto().get_name().ok()?.to_str().ok())
        .collect()
}
