// Reads packed SporeConfig messages from a file and copies every field that the Rust model keeps into
// strings and vectors of its own, without checking any. Prints the processor seconds of the best of three
// passes over the file, which is in memory by then.

#include "spore.capnp.h"

#include <capnp/message.h>
#include <capnp/serialize-packed.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace {

using std::optional;
using std::string;
using std::vector;

struct Variable {
  string name;
  bool secret;
  string value;
};

struct Label {
  string key, value;
};

struct SiteData {
  string id, title, description, language;
  uint16_t kind;
  bool treelink;
};

struct RepoData {
  uint16_t provider;
  string place, branch, revision, subdirectory, credential;
  uint32_t depth;
  bool submodules, lfs;
};

struct BuildData {
  uint16_t kind, framework, cache;
  string output, flake;
  vector<string> command;
  bool shell;
  vector<Variable> environment;
  uint32_t timeout;
};

struct DomainsData {
  string primary;
  vector<string> aliases;
  uint16_t policy, tls;
};

struct PagesData {
  string account, date;
  uint16_t release, functions;
  vector<string> flags;
  vector<Variable> environment, preview;
};

struct HostingData {
  uint16_t provider;
  optional<PagesData> pages;
  string project, branch, error;
  bool fallback;
};

struct RecordData {
  string name, value;
  uint16_t kind;
  uint32_t ttl;
  bool proxied;
};

struct DnsData {
  uint16_t provider, ownership, deletion;
  string zone, credential;
  vector<RecordData> records;
};

struct PurchaseData {
  uint16_t provider;
  string domain, contact, credential, currency;
  uint8_t years;
  uint64_t price;
  bool renew;
};

struct Config {
  uint32_t version;
  uint64_t generation;
  uint16_t ensure;
  bool protect;
  string request;
  SiteData site;
  optional<RepoData> repo;
  optional<BuildData> build;
  optional<DomainsData> domains;
  HostingData hosting;
  optional<DnsData> dns;
  optional<PurchaseData> purchase;
  vector<Label> labels;
};

string text(capnp::Text::Reader reader) { return string(reader.begin(), reader.size()); }

template <typename Enum>
uint16_t number(Enum value) {
  return static_cast<uint16_t>(value);
}

vector<string> texts(capnp::List<capnp::Text>::Reader list) {
  vector<string> copy;
  copy.reserve(list.size());
  for (auto item : list) copy.push_back(text(item));
  return copy;
}

vector<Variable> variables(capnp::List<EnvironmentVariable>::Reader list) {
  vector<Variable> copy;
  copy.reserve(list.size());
  for (auto item : list) {
    bool secret = item.isCredential();
    copy.push_back({text(item.getName()), secret,
                    text(secret ? item.getCredential() : item.getValue())});
  }
  return copy;
}

SiteData site(Site::Reader r) {
  return {text(r.getId()),       text(r.getTitle()),     text(r.getDescription()),
          text(r.getLanguage()), number(r.getKind()), r.hasTreelink()};
}

RepoData repo(Repo::Reader r) {
  string place = r.hasSlug() ? text(r.getSlug()) : r.hasUrl() ? text(r.getUrl()) : text(r.getPath());
  return {number(r.getProvider()), std::move(place),        text(r.getDefaultBranch()),
          text(r.getRevision()),   text(r.getSubdirectory()), text(r.getCredential()),
          r.getDepth(),            r.getSubmodules(),       r.getLfs()};
}

BuildData build(Build::Reader r) {
  return {number(r.getType()),         number(r.getFramework()), number(r.getCachePolicy()),
          text(r.getOutputDir()),      text(r.getFlakeAttribute()), texts(r.getCommand()),
          r.getShell(),                variables(r.getEnvironment()), r.getTimeoutSeconds()};
}

DomainsData domains(Domains::Reader r) {
  return {text(r.getPrimary()), texts(r.getAliases()), number(r.getAliasPolicy()), number(r.getTls())};
}

PagesData pages(CloudflarePages::Reader r) {
  return {text(r.getAccount()),          text(r.getCompatibilityDate()),
          number(r.getRelease()),        number(r.getFunctions()),
          texts(r.getCompatibilityFlags()), variables(r.getEnvironment()),
          variables(r.getPreviewEnvironment())};
}

HostingData hosting(Hosting::Reader r) {
  HostingData copy{number(r.getProvider()),        std::nullopt,
                   text(r.getProjectName()),       text(r.getProductionBranch()),
                   text(r.getErrorDocument()),     r.getSinglePageFallback()};
  if (r.hasCloudflarePages()) copy.pages = pages(r.getCloudflarePages());
  return copy;
}

DnsData dns(DnsConfig::Reader r) {
  DnsData copy{number(r.getProvider()), number(r.getOwnership()), number(r.getDeletePolicy()),
               text(r.getZoneId()),     text(r.getCredential()),  {}};
  auto records = r.getRecords();
  copy.records.reserve(records.size());
  for (auto item : records) {
    copy.records.push_back({text(item.getName()), text(item.getValue()), number(item.getType()),
                            item.getTtl(), item.getProxied()});
  }
  return copy;
}

PurchaseData purchase(PurchaseConfig::Reader r) {
  PurchaseData copy{number(r.getProvider()), text(r.getDomain()), text(r.getContact()),
                    text(r.getCredential()), {},                  r.getYears(),
                    0,                       r.getAutoRenew()};
  if (r.hasMaximumPrice()) {
    auto price = r.getMaximumPrice();
    copy.price = price.getMinorUnits();
    copy.currency = text(price.getCurrency());
  }
  return copy;
}

Config config(SporeConfig::Reader r) {
  Config copy;
  copy.version = r.getSchemaVersion();
  copy.generation = r.getGeneration();
  auto lifecycle = r.getLifecycle();
  copy.ensure = number(lifecycle.getEnsure());
  copy.protect = lifecycle.getProtect();
  copy.request = text(r.getRequestId());
  copy.site = site(r.getSite());
  if (r.hasRepo()) copy.repo = repo(r.getRepo());
  if (r.hasBuild()) copy.build = build(r.getBuild());
  if (r.hasDomains()) copy.domains = domains(r.getDomains());
  copy.hosting = hosting(r.getHosting());
  if (r.hasDns()) copy.dns = dns(r.getDns());
  if (r.hasPurchase()) copy.purchase = purchase(r.getPurchase());
  auto labels = r.getLabels();
  copy.labels.reserve(labels.size());
  for (auto item : labels) copy.labels.push_back({text(item.getKey()), text(item.getValue())});
  return copy;
}

double processor_seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

// So that the copies are not optimised away.
volatile size_t kept = 0;

double pass(const vector<char>& bytes) {
  double start = processor_seconds();
  kj::ArrayInputStream input(
      kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()));
  while (input.tryGetReadBuffer().size() > 0) {
    capnp::PackedMessageReader message(input);
    Config copy = config(message.getRoot<SporeConfig>());
    kept = kept + copy.dns->records.size() + copy.site.id.size();
  }
  return processor_seconds() - start;
}

}  // namespace

int main(int, char** arguments) {
  std::ifstream file(arguments[1], std::ios::binary);
  vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  double best = pass(bytes);
  for (int more = 0; more < 2; more++) best = std::min(best, pass(bytes));
  printf("%.9f\n", best);
}
