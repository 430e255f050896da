# mycelia-spore: what can be asked of the running daemon over Cap'n Proto RPC.
#
# The daemon listens at `STATE/control.sock`, for its own user and the superuser, and wherever `run
# --rpc unix:PATH` says, for those that the socket's mode and the settings' `streams.access` let in.
# A connection's bootstrap capability is a `Spore`.  Calls may be sent without waiting for earlier
# answers; messages of one site are carried out in the order of their calls.
#
# Times are milliseconds since 1970-01-01T00:00:00Z; 0 stands for none.

@0x9033b335adca0354;

using Rust = import "rust.capnp";
using Config = import "spore.capnp";
using Report = import "report.capnp";
$Rust.module("daemon_capnp");

interface Spore {
  # The running daemon.
  #
  # What becomes of a website is always told by a report; a call fails only where there is none: the
  # connection or the daemon ended.  What was accepted before that is carried out by the next daemon.

  apply @0 (config :Config.SporeConfig) -> (report :Report.SporeReport);
  # Carries a message out and gives its report, after further attempts where a failure may pass.  As
  # many calls as the daemon has room for are accepted; reading from the connection waits for the
  # rest.

  plan @1 (config :Config.SporeConfig) -> (report :Report.SporeReport);
  # Tells what a message would change, and changes nothing.

  status @2 (site :Text) -> (status :DaemonStatus);
  # The daemon at this moment, with the website named, or with all that the caller may change when
  # `site` is empty.

  watch @3 (site :Text, watcher :Watcher) -> ();
  # Tells what happens from now on to the website named, or to all that the caller may change and to
  # the daemon itself when `site` is empty.  It returns when the daemon ends; dropping the call ends
  # it before.

  order @4 (site :Text, order :SiteOrder) -> (report :Report.SporeReport);
  # Does something with one website, after what is under way for it.
}

interface Watcher {
  # Who is told what happens.

  event @0 (event :Event) -> ();
  # Something happened.  The next event is told when this call has returned.
}

struct SiteOrder {
  # What an operator may ask for one website.

  union {
    refresh @0 :Void;
    # To look now whether it is as asked, and to repair it.
    rollback @1 :Text;
    # To make an earlier release live: the one whose name begins so, or, when empty, the one before
    # the live one.
    protect @2 :Void;
    # To protect it from being taken down.
    unprotect @3 :Void;
    # To protect it no longer.
    pause @4 :Void;
    # To leave it as it is until `resume`; messages for it are kept.
    resume @5 :Void;
    # To look after it again.
    forget @6 :Void;
    # To stop managing it; what is published of it stays.
    takeOver @7 :Void;
    # To take what has its names at the provider and belongs to nobody, once, as the setting
    # `policy.adopt` would.
  }
}

struct Event {
  # Something that happened.

  at @0 :Int64;
  # When.

  site @1 :Text;
  # The website; empty for what concerns an account or the whole daemon.

  union {
    accepted @2 :Accepted;
    # A message's configuration is kept, and is what the website is to be.
    started @3 :Started;
    # The website is being worked on.
    progress @4 :Text;
    # A build or an upload goes on: a line for people.
    step @5 :Report.ReportStep;
    # A step has ended.
    retrying @6 :Retrying;
    # An attempt failed and another follows.
    reported @7 :Report.SporeReport;
    # A message has its report, or work that nobody asked for changed something.
    noticed @8 :Noticed;
    # The website's health is another.
    circuit @9 :Circuit;
    # An account is left alone for a while, or is used again.
    draining @10 :Void;
    # The daemon ends: nothing further is started.
    missed @11 :UInt64;
    # So many events were not told, because earlier ones took too long.
    forgotten @12 :Void;
    # The website is not managed any more.
  }

  struct Accepted {
    # A message was accepted.

    seq @0 :UInt64;
    # The message's number since the daemon's start, from 1.
    requestId @1 :Text;
    # The message's `requestId`.  Empty when it had none.
  }

  struct Started {
    # Work on a website has begun.

    cause @0 :Report.ReportCause;
    # What for.
    attempt @1 :UInt32;
    # Which attempt it is, from 1.
  }

  struct Retrying {
    # An attempt failed, and another is to follow.

    problem @0 :Problem;
    # How it failed.
    attempt @1 :UInt32;
    # Which attempt it was, from 1.
    at @2 :Int64;
    # When the next one begins at the earliest.
  }

  struct Noticed {
    # A website's health is another.

    notice @0 :Notice;
    # What people should be told.
    problem @1 :Problem;
    # What is wrong, when something is.
  }
}

enum Notice {
  # What people are told of a website, once for each change.

  failure @0;
  # It failed, and is not tried again at once.
  recovery @1;
  # It is as asked again.
  drift @2;
  # It was found other than asked, and left so.
  repair @3;
  # It was found other than asked, and repaired.
  approval @4;
  # It waits for a person's approval.
}

enum FailureClass {
  # What is to be done about a failure.

  transient @0;
  # It may pass: it is tried again by itself.
  unauthorised @1;
  # The service does not accept the credentials.
  conflict @2;
  # Something that belongs to somebody else is in the way.
  rejected @3;
  # The service, or a build, says that what was asked is wrong.
  forbidden @4;
  # The operator's policy does not allow it.
  unsupported @5;
  # The service or this daemon cannot do it.
  interrupted @6;
  # The daemon ended meanwhile.
}

struct Problem {
  # How an attempt failed.

  class @0 :FailureClass;
  # What is to be done about it.
  message @1 :Text;
  # What is wrong.
  hint @2 :Text;
  # What a person can do.  Empty when there is nothing to say.
}

struct Circuit {
  # An account that is not used as usual, because its service failed again and again.

  account @0 :Text;
  # Its name.  Example: "cloudflare/default".
  until @1 :Int64;
  # Until when it is left alone; 0 when it is tried or used.
}

struct DaemonStatus {
  # The daemon at one moment.

  at @0 :Int64;
  # The moment.
  started @1 :Int64;
  # When it was ready for its first message.
  version @2 :Text;
  # Its version.  Example: "0.1.0".
  pid @3 :UInt32;
  # Its process.
  draining @4 :Bool;
  # Whether it ends: nothing further is started.
  counts @5 :Counts;
  # How many websites there are of each sort, whoever may change them.
  sites @6 :List(SiteStatus);
  # The websites asked for, by id.
  circuits @7 :List(Circuit);
  # Accounts that are not used as usual.
}

struct Counts {
  # Numbers of websites.  The first six together are all of them.

  resting @0 :UInt32;
  # Nothing is to be done.
  paused @1 :UInt32;
  # They are to be left as they are.
  ready @2 :UInt32;
  # They wait for their turn.
  retrying @3 :UInt32;
  # They failed and wait for another attempt.
  held @4 :UInt32;
  # They wait for an account.
  running @5 :UInt32;
  # They are worked on.
  failing @6 :UInt32;
  # They failed when they were last worked on.
  drifted @7 :UInt32;
  # They differ from what was asked for.
  unapproved @8 :UInt32;
  # They wait for a person's approval.
  queued @9 :UInt32;
  # Messages, not websites, that wait for their turn.
}

struct SiteStatus {
  # A website at one moment.

  site @0 :Text;
  # Its id.
  activity @1 :Activity;
  # What it does.
  until @2 :Int64;
  # For `resting` and `retrying`: until then.  For `running`: since then.
  attempt @3 :UInt32;
  # For `retrying`: how many attempts it had.  For `running`: which one it is, from 1.
  account @4 :Text;
  # For `held`: the account.
  cause @5 :Report.ReportCause;
  # For `running`: what for.
  health @6 :Health;
  # How it is.
  problem @7 :Problem;
  # How its last attempt failed.  Absent when it did not.
  unfinished @8 :Bool;
  # Whether the configuration last accepted still has to be carried out.
  acceptedAt @9 :Int64;
  # When that configuration was accepted.
  state @10 :Text;
  # What it was when it was last worked on: "live", "absent" or another word of `mycelia-spore
  # status`.  Empty when nothing was carried out for it yet.
  primary @11 :Text;
  # Its address.  May be empty.
  release @12 :Text;
  # The release that visitors see.  Empty when there is none.
  generation @13 :UInt64;
  # The highest `generation` of its messages.
  appliedAt @14 :Int64;
  # When something was changed last.
  protected @15 :Bool;
  # Whether it may not be taken down.
  rolledBack @16 :Bool;
  # Whether the operator rolled it back.
}

enum Activity {
  # What a website does.

  resting @0;
  # Nothing.
  paused @1;
  # Nothing: it is to be left as it is.
  ready @2;
  # It waits for its turn.
  retrying @3;
  # It failed and waits for another attempt.
  held @4;
  # It waits for an account.
  running @5;
  # It is worked on.
}

enum Health {
  # How a website is, as people were told.

  good @0;
  # It is well.
  failing @1;
  # It failed.
  drifted @2;
  # It was found other than asked, and left so.
  repaired @3;
  # It was found other than asked, and repaired.
  awaiting @4;
  # It waits for a person's approval.
}
