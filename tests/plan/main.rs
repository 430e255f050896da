//! The pure middle: what a message asks for, the plan that leads there, and the order it is carried out in.
#![cfg(test)]

mod applying;
#[path = "../common/mod.rs"]
mod common;
mod contradictions;
mod normal;
mod properties;
mod rules;
mod world;
