//! mycelia-spore receives packed Cap'n Proto `SporeConfig` messages and makes the websites they
//! describe real: one typed message in, one live website out.
//!
//! The way of a message, and the modules it passes through:
//!
//! 1. [`stream`] reads packed messages, one after another, within bounds.
//! 2. [`decode`] turns each into a typed [`model::SporeConfig`], collecting every fault.
//! 3. [`desired`] normalises it and checks its sections against each other.
//! 4. [`build`] turns its source into an [`artifact::Artifact`].
//! 5. [`hosting`] is asked what is there ([`observed`]).
//! 6. [`plan`] is the pure difference, within the operator's policy.
//! 7. [`apply`] carries it out, with a journal in the [`store`].
//! 8. [`report`] says what became of it; a [`sink`] writes it down.
//!
//! [`reconcile`] drives this for many sites at once; [`rpc`] is how others ask the running daemon. [`serve`] is the web server that
//! [`hosting::local_static`] publishes to, [`cli`] the command line. `ARCHITECTURE.md` has the ranks of the
//! modules and what must always hold.

pub mod apply;
pub mod artifact;
pub mod authoring;
pub mod build;
pub mod cli;
pub mod decode;
pub mod desired;
pub mod dns;
pub mod edge;
pub mod encode;
pub mod hosting;
pub mod json;
pub mod model;
pub mod notify;
pub mod observed;
pub mod plan;
pub mod progress;
pub mod reconcile;
pub mod records;
pub mod registrar;
pub mod release;
pub mod report;
pub mod rpc;
pub mod schedule;
pub mod schema;
pub mod serve;
pub mod service;
pub mod settings;
pub mod sink;
pub mod site_rules;
pub mod source;
pub mod status;
pub mod store;
pub mod stream;
pub mod telemetry;
pub mod words;
