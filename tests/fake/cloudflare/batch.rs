//! Several changes to records as one.

use super::records::Editor;
use super::refusal::{self, Refusal};
use super::shapes;
use super::wire::{Answer, Request};
use super::world::World;
use serde_json::{Value, json};

/// In the order in which the service carries them out.
const KINDS: [&str; 4] = ["deletes", "patches", "puts", "posts"];

/// Carries out deletes, patches, puts and posts, in this order; one that is refused refuses them all.
pub(crate) fn perform(world: &mut World, request: &Request, zone: &str) -> Result<Answer, Refusal> {
    request.only(&[])?;
    let body = request.json()?;
    shapes::BATCH.check(&body)?;
    let count: usize = KINDS.iter().map(|kind| entries(&body, kind).len()).sum();
    let most = world.settings.batch_operations;
    if count > most {
        return Err(refusal::over_limit(format!(
            "more than {most} operations in a batch"
        )));
    }
    let mut editor = Editor::new(world, zone);
    let mut result = json!({});
    for kind in KINDS {
        let done = entries(&body, kind)
            .iter()
            .map(|entry| one(&mut editor, kind, entry));
        result[kind] = Value::Array(done.collect::<Result<_, _>>()?);
    }
    editor.keep(world);
    Ok(Answer::result(result))
}

fn entries<'a>(body: &'a Value, kind: &str) -> &'a [Value] {
    body[kind].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn one(editor: &mut Editor, kind: &str, entry: &Value) -> Result<Value, Refusal> {
    if kind == "posts" {
        return editor.post(entry);
    }
    let mut entry = entry.clone();
    let id = entry.as_object_mut().and_then(|map| map.shift_remove("id"));
    let id = id.as_ref().and_then(Value::as_str);
    let id = id.ok_or_else(|| refusal::bad_shape(&format!("one of {kind} lacks id")))?;
    match kind {
        "deletes" => editor.delete(id),
        "patches" => editor.patch(id, &entry),
        _ => editor.put(id, &entry),
    }
}
