//! A place in the message and the faults found so far.

use crate::model::{Defect, Fault, Parse};
use capnp::traits::{FromPointerReader, ListIter};
use capnp::{NotInSchema, struct_list, text, text_list};
use std::fmt::{Display, Write as _};
use std::ops::RangeInclusive;

/// One part of a field's path.
#[derive(Clone, Copy)]
enum Segment {
    Field(&'static str),
    Index(u32),
}

/// Walks a message, collecting what is wrong and where.
#[derive(Default)]
pub(super) struct Cursor {
    path: Vec<Segment>,
    faults: Vec<Fault>,
}

/// A field of the struct the cursor stands in, for faults that are about it.
pub(super) struct At<'c> {
    cursor: &'c mut Cursor,
    field: &'static str,
}

impl<'c> At<'c> {
    /// Notes a fault of this field.
    #[cold]
    pub(super) fn fault(self, code: &'static str, message: impl Into<String>) -> Hintable<'c> {
        let Self { cursor, field } = self;
        cursor.push(Some(Segment::Field(field)), Defect::new(code, message));
        Hintable(cursor)
    }
}

/// The fault just noted, which may be given a hint.
pub(super) struct Hintable<'c>(&'c mut Cursor);

impl Hintable<'_> {
    /// Says what to do about the fault.
    #[cold]
    pub(super) fn hint(self, hint: impl Into<String>) {
        if let Some(fault) = self.0.faults.last_mut() {
            fault.hint = Some(hint.into());
        }
    }
}

impl Cursor {
    /// The faults found.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// A field of the struct the cursor stands in.
    pub(super) fn at(&mut self, field: &'static str) -> At<'_> {
        At {
            cursor: self,
            field,
        }
    }

    /// Notes a fault of the struct the cursor stands in.
    #[cold]
    pub(super) fn fault(&mut self, code: &'static str, message: impl Into<String>) -> Hintable<'_> {
        self.push(None, Defect::new(code, message));
        Hintable(self)
    }

    #[cold]
    fn push(&mut self, last: Option<Segment>, defect: Defect) {
        let mut path = String::new();
        for segment in self.path.iter().chain(&last) {
            match segment {
                Segment::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                // Writing to a string cannot fail.
                Segment::Index(index) => drop(write!(path, "[{index}]")),
            }
        }
        self.faults.push(defect.at(path));
    }

    #[cold]
    fn malformed(&mut self, last: Option<Segment>, error: &impl Display) {
        self.push(
            last,
            Defect::new("message-malformed", format!("cannot be read: {error}"))
                .hint("the message is damaged, or was written with another schema"),
        );
    }

    // What is seldom wanted is kept out of the functions that read fields: those are copied into every place
    // that reads one, and run the faster the shorter they are.

    #[cold]
    fn missing(&mut self, field: &'static str) {
        self.at(field).fault("missing", "is required");
    }

    #[cold]
    fn unknown(&mut self, field: &'static str, number: u16) {
        self.at(field)
            .fault("enum-unknown", format!("unknown value {number}"))
            .hint("written with a newer schema? update mycelia-spore");
    }

    #[cold]
    fn out_of_range(&mut self, field: &'static str, message: std::fmt::Arguments<'_>) {
        self.at(field).fault("out-of-range", message.to_string());
    }

    #[cold]
    fn not_utf8(&mut self, place: Segment) {
        self.push(Some(place), Defect::new("text-utf8", "is not UTF-8"));
    }

    /// An optional text: `None` when empty or faulty.
    pub(super) fn text<T: Parse>(
        &mut self,
        field: &'static str,
        text: capnp::Result<text::Reader<'_>>,
    ) -> Option<T> {
        self.parse(Segment::Field(field), text)
    }

    /// A required text: a fault when empty.
    pub(super) fn need<T: Parse>(
        &mut self,
        field: &'static str,
        text: capnp::Result<text::Reader<'_>>,
    ) -> Option<T> {
        if text.as_ref().is_ok_and(|text| text.as_bytes().is_empty()) {
            self.missing(field);
            return None;
        }
        self.parse(Segment::Field(field), text)
    }

    fn parse<T: Parse>(
        &mut self,
        place: Segment,
        text: capnp::Result<text::Reader<'_>>,
    ) -> Option<T> {
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                self.malformed(Some(place), &error);
                return None;
            }
        };
        if text.as_bytes().is_empty() {
            return None;
        }
        let Ok(text) = text.to_str() else {
            self.not_utf8(place);
            return None;
        };
        match T::parse(text) {
            Ok(value) => Some(value),
            Err(defect) => {
                self.push(Some(place), defect);
                None
            }
        }
    }

    /// A list of texts, none of them empty.
    pub(super) fn texts<T: Parse>(
        &mut self,
        field: &'static str,
        list: capnp::Result<text_list::Reader<'_>>,
        max: u32,
    ) -> Vec<T> {
        let list = match list {
            Ok(list) => list,
            Err(error) => {
                self.malformed(Some(Segment::Field(field)), &error);
                return Vec::new();
            }
        };
        if !self.bounded(field, list.len(), max) {
            return Vec::new();
        }
        self.path.push(Segment::Field(field));
        let mut values = Vec::with_capacity(list.len() as usize);
        for index in 0..list.len() {
            let text = list.get(index);
            if text.as_ref().is_ok_and(|text| text.as_bytes().is_empty()) {
                self.push(
                    Some(Segment::Index(index)),
                    Defect::new("missing", "is empty"),
                );
                continue;
            }
            if let Some(value) = self.parse(Segment::Index(index), text) {
                values.push(value);
            }
        }
        self.path.pop();
        values
    }

    /// A list of structs; those with faults are left out.
    pub(super) fn list<'a, O, T>(
        &mut self,
        field: &'static str,
        list: capnp::Result<struct_list::Reader<'a, O>>,
        max: u32,
        mut each: impl FnMut(&mut Self, O::Reader<'a>) -> Option<T>,
    ) -> Vec<T>
    where
        O: capnp::traits::OwnedStruct,
        struct_list::Reader<'a, O>: FromPointerReader<'a>,
    {
        let list = match list {
            Ok(list) => list,
            Err(error) => {
                self.malformed(Some(Segment::Field(field)), &error);
                return Vec::new();
            }
        };
        if !self.bounded(field, list.len(), max) {
            return Vec::new();
        }
        self.path.push(Segment::Field(field));
        let mut values = Vec::with_capacity(list.len() as usize);
        for (index, reader) in (0u32..).zip(ListIter::new(list, list.len())) {
            self.path.push(Segment::Index(index));
            if let Some(value) = each(self, reader) {
                values.push(value);
            }
            self.path.pop();
        }
        self.path.pop();
        values
    }

    fn bounded(&mut self, field: &'static str, len: u32, max: u32) -> bool {
        if len > max {
            self.push(
                Some(Segment::Field(field)),
                Defect::too_long(len as usize, max as usize, "elements"),
            );
        }
        len <= max
    }

    /// Notes a fault for each of `names` that stands twice.
    pub(super) fn unique<'n>(
        &mut self,
        field: &'static str,
        what: &str,
        names: impl Iterator<Item = &'n str> + Clone,
    ) {
        if few_and_different(&names) {
            return;
        }
        self.duplicates(field, what, names.collect());
    }

    #[cold]
    fn duplicates(&mut self, field: &'static str, what: &str, mut names: Vec<&str>) {
        names.sort_unstable();
        for pair in names.windows(2) {
            if pair[0] == pair[1] {
                self.at(field)
                    .fault("duplicate", format!("{what} {:?} stands twice", pair[0]));
            }
        }
    }

    /// An optional section: `None` when absent or faulty.
    pub(super) fn section<R, T>(
        &mut self,
        field: &'static str,
        given: bool,
        reader: capnp::Result<R>,
        read: impl FnOnce(&mut Self, R) -> Option<T>,
    ) -> Option<T> {
        if !given {
            return None;
        }
        match reader {
            Ok(reader) => {
                self.path.push(Segment::Field(field));
                let value = read(self, reader);
                self.path.pop();
                value
            }
            Err(error) => {
                self.malformed(Some(Segment::Field(field)), &error);
                None
            }
        }
    }

    /// A required section: a fault when absent.
    pub(super) fn required<R, T>(
        &mut self,
        field: &'static str,
        given: bool,
        reader: capnp::Result<R>,
        read: impl FnOnce(&mut Self, R) -> Option<T>,
    ) -> Option<T> {
        if !given {
            self.missing(field);
        }
        self.section(field, given, reader, read)
    }

    /// An enumerant this reader knows.
    pub(super) fn choice<T>(
        &mut self,
        field: &'static str,
        value: Result<T, NotInSchema>,
    ) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(NotInSchema(number)) => {
                self.unknown(field, number);
                None
            }
        }
    }

    /// A union member this reader knows.
    pub(super) fn union<T>(&mut self, which: Result<T, NotInSchema>) -> Option<T> {
        match which {
            Ok(which) => Some(which),
            Err(NotInSchema(number)) => {
                self.fault("union-unknown", format!("unknown choice {number}"))
                    .hint("written with a newer schema? update mycelia-spore");
                None
            }
        }
    }

    /// A number within its limits.
    pub(super) fn within<T>(
        &mut self,
        field: &'static str,
        value: T,
        range: RangeInclusive<T>,
    ) -> Option<T>
    where
        T: PartialOrd + Display + Copy,
    {
        if range.contains(&value) {
            return Some(value);
        }
        let (start, end) = (range.start(), range.end());
        self.out_of_range(
            field,
            format_args!("{value} is not within {start} to {end}"),
        );
        None
    }
}

/// Whether there are so few names that a look at each pair costs less than sorting them, and none stands
/// twice.
fn few_and_different<'n>(names: &(impl Iterator<Item = &'n str> + Clone)) -> bool {
    const FEW: usize = 8;
    let mut numbered = names.clone().enumerate();
    numbered.all(|(index, name)| {
        index < FEW && names.clone().take(index).all(|earlier| earlier != name)
    })
}
