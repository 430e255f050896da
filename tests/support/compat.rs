//! Whether a schema still keeps what an earlier revision promised.
//!
//! Both are given as the `CodeGeneratorRequest` that `capnp compile -o-` writes. What a revision promises
//! is flattened into facts: each type by its id, each field by its ordinal, each enumerant by its number.
//! A later revision may add facts; one that takes a fact away or changes it would read the messages of
//! earlier writers differently. Names count too, since text, JSON and YAML use them.

use capnp::message::ReaderOptions;
use capnp::schema_capnp::{code_generator_request, field, node, type_, value};
use capnp::serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a revision promises: what stands at each place.
pub(crate) struct Schema {
    facts: BTreeMap<String, String>,
}

impl Schema {
    /// Reads a compiled schema.
    pub(crate) fn of(request: &[u8]) -> capnp::Result<Self> {
        let mut options = ReaderOptions::new();
        options.traversal_limit_in_words(None);
        let message = serialize::read_message(request, options)?;
        let request = message.get_root::<code_generator_request::Reader<'_>>()?;
        let mut nodes = BTreeMap::new();
        for node in request.get_nodes()? {
            nodes.insert(node.get_id(), node);
        }
        let mut facts = Facts::default();
        for node in nodes.values() {
            facts.node(&nodes, *node)?;
        }
        Ok(Self { facts: facts.0 })
    }

    /// The promises of this revision that `newer` breaks, one a line; none when messages written by either
    /// are understood by the other.
    pub(crate) fn broken_by(&self, newer: &Self) -> Vec<String> {
        let mut broken = Vec::new();
        for (place, was) in &self.facts {
            match newer.facts.get(place) {
                None => broken.push(format!("{place}: {was} is gone")),
                Some(is) if is != was => broken.push(format!("{place}: {was} became {is}")),
                Some(_) => {}
            }
        }
        broken
    }

    /// How many promises there are.
    pub(crate) fn len(&self) -> usize {
        self.facts.len()
    }
}

type Nodes<'a> = BTreeMap<u64, node::Reader<'a>>;

#[derive(Default)]
struct Facts(BTreeMap<String, String>);

impl Facts {
    fn note(&mut self, place: String, what: String) {
        let before = self.0.insert(place, what);
        assert_eq!(before, None, "two facts for one place");
    }

    fn node(&mut self, nodes: &Nodes<'_>, node: node::Reader<'_>) -> capnp::Result<()> {
        let display = node.get_display_name()?.to_str()?;
        let name = display.rsplit(':').next().unwrap_or(display);
        let place = format!("{:#018x}", node.get_id());
        match node.which()? {
            // A group has no life of its own: it is told with the struct that holds it, by its name,
            // since its id depends on how many groups stand before it.
            node::Struct(r) if r.get_is_group() => Ok(()),
            node::Struct(_) => {
                self.note(place.clone(), format!("struct {name}"));
                self.members(nodes, node, &place, "")
            }
            node::Enum(r) => {
                self.note(place.clone(), format!("enum {name}"));
                for (number, enumerant) in r.get_enumerants()?.iter().enumerate() {
                    let enumerant = enumerant.get_name()?.to_str()?;
                    self.note(format!("{place} ={number}"), format!("{name}.{enumerant}"));
                }
                Ok(())
            }
            node::Interface(_) => {
                self.note(place, format!("interface {name}"));
                Ok(())
            }
            node::File(()) | node::Const(_) | node::Annotation(_) => Ok(()),
        }
    }

    /// The fields of a struct or of a group within one; `path` is the group's place in the struct.
    fn members(
        &mut self,
        nodes: &Nodes<'_>,
        node: node::Reader<'_>,
        place: &str,
        path: &str,
    ) -> capnp::Result<()> {
        let node::Struct(r) = node.which()? else {
            return Ok(());
        };
        if r.get_discriminant_count() > 0 {
            let offset = r.get_discriminant_offset();
            self.note(
                format!("{place} union {path}"),
                format!("choice at {offset}"),
            );
        }
        for member in r.get_fields()? {
            let name = format!("{path}{}", member.get_name()?.to_str()?);
            let tag = match member.get_discriminant_value() {
                field::NO_DISCRIMINANT => String::new(),
                tag => format!(" choice {tag}"),
            };
            match member.which()? {
                field::Slot(slot) => {
                    let place = match member.get_ordinal().which()? {
                        field::ordinal::Explicit(number) => format!("{place} @{number}"),
                        field::ordinal::Implicit(()) => format!("{place} {name}"),
                    };
                    let mut what = format!("{name}{tag} at {}: ", slot.get_offset());
                    what.push_str(&type_name(slot.get_type()?)?);
                    write!(what, " = {}", value_text(slot.get_default_value()?)?)
                        .map_err(|error| capnp::Error::failed(error.to_string()))?;
                    self.note(place, what);
                }
                field::Group(group) => {
                    self.note(
                        format!("{place} group {name}"),
                        format!("group {name}{tag}"),
                    );
                    if let Some(inner) = nodes.get(&group.get_type_id()) {
                        self.members(nodes, *inner, place, &format!("{name}."))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A type as text: structs and enums by id, since their names may be told elsewhere.
fn type_name(kind: type_::Reader<'_>) -> capnp::Result<String> {
    Ok(match kind.which()? {
        type_::Void(()) => "Void".into(),
        type_::Bool(()) => "Bool".into(),
        type_::Int8(()) => "Int8".into(),
        type_::Int16(()) => "Int16".into(),
        type_::Int32(()) => "Int32".into(),
        type_::Int64(()) => "Int64".into(),
        type_::Uint8(()) => "UInt8".into(),
        type_::Uint16(()) => "UInt16".into(),
        type_::Uint32(()) => "UInt32".into(),
        type_::Uint64(()) => "UInt64".into(),
        type_::Float32(()) => "Float32".into(),
        type_::Float64(()) => "Float64".into(),
        type_::Text(()) => "Text".into(),
        type_::Data(()) => "Data".into(),
        type_::List(list) => format!("List({})", type_name(list.get_element_type()?)?),
        type_::Enum(r) => format!("enum {:#018x}", r.get_type_id()),
        type_::Struct(r) => format!("struct {:#018x}", r.get_type_id()),
        type_::Interface(r) => format!("interface {:#018x}", r.get_type_id()),
        type_::AnyPointer(_) => "AnyPointer".into(),
    })
}

/// A default value as text.
fn value_text(value: value::Reader<'_>) -> capnp::Result<String> {
    Ok(match value.which()? {
        value::Void(()) => "void".into(),
        value::Bool(it) => it.to_string(),
        value::Int8(it) => it.to_string(),
        value::Int16(it) => it.to_string(),
        value::Int32(it) => it.to_string(),
        value::Int64(it) => it.to_string(),
        value::Uint8(it) => it.to_string(),
        value::Uint16(it) | value::Enum(it) => it.to_string(),
        value::Uint32(it) => it.to_string(),
        value::Uint64(it) => it.to_string(),
        value::Float32(it) => it.to_string(),
        value::Float64(it) => it.to_string(),
        value::Text(it) => format!("{:?}", it?.to_str()?),
        value::Data(it) => format!("{:?}", it?),
        // A default of several words is compared by its canonical bytes.
        value::List(it) | value::Struct(it) | value::AnyPointer(it) => {
            let mut message = capnp::message::Builder::new_default();
            message.set_root_canonical(it)?;
            format!("{:?}", message.get_segments_for_output().concat())
        }
        value::Interface(()) => "null".into(),
    })
}
