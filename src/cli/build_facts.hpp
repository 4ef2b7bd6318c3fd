#pragma once
// What the build knows of itself.

namespace itm::cli {

struct BuildFacts {
  const char* commit;      ///< of the sources; empty where they were no git repository
  const char* compiler;    ///< name and version
  const char* build_type;  ///< Release and its like
  const char* cuda;        ///< the toolkit's version, or that there was none
  const char* mpi;
};

[[nodiscard]] const BuildFacts& build_facts();

}  // namespace itm::cli
