#pragma once

#include "ir/module.h"

namespace cosearch::blocks {

/*!
 * \brief Puts the functions that LiftBlocks made back into their callers, whatever passes have made
 * of their bodies since; other private functions stay.
 */
ir::IRModule InlineBlocks(const ir::IRModule& module);

}  // namespace cosearch::blocks
