//! mycelia-spore receives packed Cap'n Proto `SporeConfig` messages and makes the websites they
//! describe real.

pub mod decode;
pub mod model;
pub mod release;
pub mod schema;
pub mod stream;
pub mod words;
