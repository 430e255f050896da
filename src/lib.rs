//! mycelia-spore receives packed Cap'n Proto `SporeConfig` messages and makes the websites they
//! describe real.

pub mod apply;
pub mod artifact;
pub mod authoring;
pub mod build;
pub mod decode;
pub mod desired;
pub mod dns;
pub mod edge;
pub mod encode;
pub mod hosting;
pub mod json;
pub mod model;
pub mod observed;
pub mod plan;
pub mod registrar;
pub mod release;
pub mod report;
pub mod schema;
pub mod serve;
pub mod settings;
pub mod sink;
pub mod site_rules;
pub mod store;
pub mod stream;
pub mod words;
