#pragma once

#include <string>
#include <vector>

#include "blocks/block_sites.h"

namespace cosearch::blocks {

/*!
 * \brief What people and later passes want to know of a site, its nested blocks included: keys
 * pattern, name, mark, stage, position, ops, signature, signature_agnostic, input_shapes,
 * output_shape, children.
 */
ir::Map<ir::String, ir::Any> DescribeSite(const BlockSite& site, int64_t position);

/*! \brief Describes every outermost block of a module's networks. \p patterns are looked for. */
ir::Array<ir::Any> DescribeBlocks(const ir::IRModule& module, std::vector<std::string> patterns);

}  // namespace cosearch::blocks
