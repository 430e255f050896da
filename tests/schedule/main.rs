//! When which site is worked on: single decisions, and thousands of simulated lives in virtual time.
#![cfg(test)]

mod circuits;
mod ends;
mod looks;
mod messages;
mod model;
mod rig;
mod simulation;
mod world;
