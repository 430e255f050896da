# Annotations that the Rust code generator knows by their ids, and `module`, which names the
# Rust module that holds the generated types.
#
# The file id and the first three annotations are those of capnpc's own rust.capnp (crate
# capnpc 0.27), so that the generator recognises them; `module` is this project's.  A copy lies
# beside the schema because Cap'n Proto resolves `import "rust.capnp"` relative to the
# importing file and no system package installs one.
@0x83b3c14c3c8dd083;

annotation name @0xc2fe4c6d100166d0 (field, struct, enum, enumerant, union, group) :Text;
# The name a declaration gets in Rust.  If absent, the Cap'n Proto name in Rust's case.

annotation parentModule @0xabee386cd1450364 (file) :Text;
# The Rust module under which the generated module is expected.  If absent, the crate root.

annotation option @0xabfef22c4ee1964e (field) :Void;
# Makes the getter of a pointer field return an `Option`.

annotation module @0xe1f7a2c90d3b4856 (file) :Text;
# The Rust module of the generated types.  Always the file's stem followed by "_capnp", which is
# what the generator itself uses; a test holds the two equal.
