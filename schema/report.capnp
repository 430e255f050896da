# mycelia-spore: the answer to a `SporeConfig`.
#
# The daemon gives exactly one report for each message: in the order of the messages when it reads
# one stream to its end, and as they are done when it lives on and reads from several sources.  With
# `--output capnp` reports are written in the packed stream encoding, back to back; `capnp decode
# --packed report.capnp SporeReport` shows them.  The JSON lines of `--output json` carry the same
# fields; there `requestId` and `elapsedMs` are spelled `request_id` and `elapsed_ms`, and empty
# fields are left out.

@0xa830af599d4a8b70;

using Rust = import "rust.capnp";
$Rust.module("report_capnp");

struct SporeReport {
  # What became of one message.

  v @0 :UInt32;
  # The revision of this struct; 1.

  seq @1 :UInt64;
  # The message's number in its stream, from 1.

  site @2 :Text;
  # The website's id.  Empty when the message did not give a valid one.

  requestId @3 :Text;
  # The message's `requestId`.  Empty when it had none.

  outcome @4 :ReportOutcome;
  # How it ended.

  steps @5 :List(ReportStep);
  # What was done or, for a plan, would be done, in order.  Empty when nothing was needed.

  withheld @6 :List(Withheld);
  # What was asked for and not done, and why.

  release @7 :Text;
  # The release that visitors now see.  Empty when there is none.

  urls @8 :List(Text);
  # Where the website can be seen, the primary address first.

  error @9 :Fault;
  # What is wrong, for `refused`, `invalid` and `failed`: the first of `faults`.  Absent otherwise.

  faults @10 :List(Fault);
  # Everything that is wrong.  An invalid message lists all its faults, not only the first.

  elapsedMs @11 :Float64;
  # From the message's arrival to this report, in milliseconds.  For work that no message asked
  # for, from its beginning.

  cause @12 :ReportCause;
  # What the work was done for.  Where it is not `message`, `seq` is 0.
}

enum ReportCause {
  # Why a website was worked on.

  message @0;
  # A message asked for it.
  resume @1;
  # What was accepted earlier was still to be done: when the daemon ended, or when it last failed.
  edge @2;
  # A moment came at which the website changes by itself.
  drift @3;
  # The daemon looked whether the website is still as asked.
  operator @4;
  # The operator asked for it.
}

enum ReportOutcome {
  # How a message ended.

  applied @0;
  # The website was changed and is now as asked.
  unchanged @1;
  # The website already was as asked.
  planned @2;
  # Nothing was changed: only a plan was asked for.
  superseded @3;
  # A newer configuration of the same site was applied already.
  refused @4;
  # The operator's policy does not allow it, or this daemon does not support it.
  invalid @5;
  # The message breaks the schema's rules.
  failed @6;
  # A step failed.
  absent @7;
  # The website was taken down, or was not there.
  paused @8;
  # The site is paused: it was left as it is.
  valid @9;
  # The message keeps the schema's rules; only that was asked.
}

struct ReportStep {
  # One step of a plan.

  action @0 :Text;
  # What is done.  Example: "publish".

  target @1 :Text;
  # What it is done to.  Example: "local-static/blog".

  outcome @2 :StepOutcome;
  # How the step ended.

  detail @3 :Text;
  # What happened, for people.  Example: "12 files, 48.0 kB".
}

enum StepOutcome {
  # How a step ended.

  planned @0;
  # Not tried: only a plan was asked for.
  done @1;
  # It was done.
  failed @2;
  # It was tried and failed.
  blocked @3;
  # A step it needs failed.
}

struct Withheld {
  # Something asked for that was not done.

  action @0 :Text;
  # What would have been done.

  reason @1 :Text;
  # Why not.
}

struct Fault {
  # Something wrong.

  code @0 :Text;
  # A name for programs, never changed once given.  Example: "domain-syntax".

  path @1 :Text;
  # The field at fault.  Example: "dns.records[3].ttl".  Empty when no field is.

  message @2 :Text;
  # What is wrong.

  hint @3 :Text;
  # What to do about it.  Empty when there is nothing to say.
}
