// Makes a website of a folder of ready-made files, by the socket of a running daemon, and prints the report.
//
//     mycelia-spore schema schema
//     capnp compile -oc++:. --src-prefix=schema schema/spore.capnp schema/report.capnp schema/rust.capnp
//     g++ -std=c++17 -I. -o publish publish.c++ *.capnp.c++ -lcapnp -lkj
//     mycelia-spore run --source unix:/run/mycelia-spore/spore.sock --source-root /srv/sites
//     ./publish /run/mycelia-spore/spore.sock blog /srv/sites/blog
//
// Ends with 1 when the website is not as asked.

#include <cstring>
#include <iostream>
#include <string_view>

#include <capnp/message.h>
#include <capnp/schema.h>
#include <capnp/serialize-packed.h>
#include <kj/io.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "report.capnp.h"
#include "spore.capnp.h"

namespace {

constexpr std::string_view kRequest = "mycelia-spore reports\n";

// A connection to the socket at this path.
kj::AutoCloseFd connectTo(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  KJ_REQUIRE(strlen(path) < sizeof(address.sun_path), "the path is too long", path);
  strcpy(address.sun_path, path);
  int fd;
  KJ_SYSCALL(fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  kj::AutoCloseFd connection(fd);
  KJ_SYSCALL(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), path);
  return connection;
}

// The message of one folder.
void describe(SporeConfig::Builder config, const char* id, const char* folder) {
  config.setSchemaVersion(1);
  config.setMinReaderVersion(1);
  config.initSite().setId(id);
  config.getSite().setKind(SiteKind::DOCS);
  auto repo = config.initRepo();
  repo.setProvider(RepoProvider::DIRECTORY);
  repo.setPath(folder);
  config.initBuild().setType(BuildType::STATIC_PREBUILT);
  config.initHosting().setProvider(HostingProvider::LOCAL_STATIC);
}

// Whether the website is as asked.
bool isGood(ReportOutcome outcome) {
  switch (outcome) {
    case ReportOutcome::REFUSED:
    case ReportOutcome::INVALID:
    case ReportOutcome::FAILED:
      return false;
    default:
      return true;
  }
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 4) {
    std::cerr << "Usage: publish SOCKET SITE FOLDER\n";
    return 2;
  }
  auto connection = connectTo(argv[1]);

  capnp::MallocMessageBuilder message;
  describe(message.initRoot<SporeConfig>(), argv[2], argv[3]);
  kj::FdOutputStream out(connection.get());
  out.write(kRequest.data(), kRequest.size());
  capnp::writePackedMessage(out, message);
  KJ_SYSCALL(shutdown(connection.get(), SHUT_WR));

  kj::FdInputStream in(connection.get());
  kj::BufferedInputStreamWrapper buffered(in);
  if (buffered.tryGetReadBuffer().size() == 0) {
    std::cerr << "the daemon went away without a report\n";
    return 1;
  }
  capnp::PackedMessageReader reader(buffered);
  auto report = reader.getRoot<SporeReport>();
  auto outcomes = capnp::Schema::from<ReportOutcome>().getEnumerants();
  auto outcome = outcomes[static_cast<uint16_t>(report.getOutcome())].getProto().getName();
  std::cout << report.getSite().cStr() << ' ' << outcome.cStr();
  if (report.hasError()) {
    std::cout << ' ' << report.getError().getMessage().cStr();
  } else if (report.getUrls().size() > 0) {
    std::cout << ' ' << report.getUrls()[0].cStr();
  }
  std::cout << '\n';
  return isGood(report.getOutcome()) ? 0 : 1;
}
