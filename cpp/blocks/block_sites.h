#pragma once

#include <optional>
#include <string>
#include <vector>

#include "blocks/op_graph_builder.h"
#include "blocks/outline.h"
#include "ir/module.h"

namespace cosearch::blocks {

/*! \brief Attributes of functions that this room reads and writes. */
inline constexpr const char* kBlockAttr = "cosearch.block";
inline constexpr const char* kSignatureAttr = "cosearch.signature";
inline constexpr const char* kAgnosticAttr = "cosearch.signature_agnostic";
inline constexpr const char* kPositionsAttr = "cosearch.positions";
inline constexpr const char* kStageAttr = "cosearch.stage";
inline constexpr const char* kModelAttr = "cosearch.model";
inline constexpr const char* kChildrenAttr = "cosearch.children";
inline constexpr const char* kMarkAttr = "cosearch.mark";
inline constexpr const char* kNumInputAttr = "num_input";
/*! \brief Pattern of what the user marked. */
inline constexpr const char* kMarkedPattern = "marked";

/*! \brief A place in a network that is, or becomes, a call to a block. */
struct BlockSite {
  /*! \brief Which block of bindings of the function, and which binding in it, makes the result. */
  int binding_block = 0;
  int place = 0;
  std::string pattern;
  std::string mark;
  int stage = 0;
  /*! \brief What the block computes; empty for a call to a block that is lifted already. */
  std::vector<CanonicalRegion> region;
  std::vector<BlockSite> children;
  /*! \brief Places in `binding_block` of the bindings that move into the block. */
  std::vector<int> places;
  /*! \brief The call, for a marked function and for a lifted block. */
  ir::Call call;
  /*! \brief The lifted block. */
  ir::RelaxFunction lifted;
};

/*! \brief Finds the blocks of a module's functions. */
class SiteFinder {
 public:
  /*! \param patterns Patterns to look for. */
  SiteFinder(const ir::IRModule& module, std::vector<std::string> patterns);

  /*!
   * \brief The blocks of \p function in program order: regions that the finder finds, calls to
   * functions that carry `cosearch.mark`, and calls to blocks that are lifted already. A function
   * that calls lifted blocks has been seen to: nothing else is looked for in it.
   */
  std::vector<BlockSite> Find(const ir::RelaxFunctionNode* function) const;

  /*! \brief Names of the module's network functions, sorted, `main` first: not its blocks, marked
   * functions or kernels. */
  std::vector<ir::GlobalVar> Networks() const;

  /*! \brief Signatures of functions called by name. */
  const CalleeSignature& callee() const { return callee_; }

 private:
  bool MarksEnabled() const;
  /*! \brief A site for a call to \p callee; nothing when that is no block. */
  std::optional<BlockSite> CallSite(const ir::CallNode* call,
                                    const ir::RelaxFunctionNode* callee) const;
  void AddCallSites(const ir::RelaxFunctionNode* function, std::vector<BlockSite>* sites) const;
  void AddRegions(const ir::RelaxFunctionNode* function, int binding_block,
                  std::vector<BlockSite>* sites) const;

  ir::IRModule module_;
  std::vector<std::string> patterns_;
  CalleeSignature callee_;
};

/*! \brief Name of the function that a site is lifted into: its pattern and its signature's head. */
std::string BlockName(const std::string& pattern, const std::string& signature);

}  // namespace cosearch::blocks
