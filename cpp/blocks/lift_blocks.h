#pragma once

#include <string>
#include <vector>

#include "ir/module.h"

namespace cosearch::blocks {

/*!
 * \brief Outlines each outermost block of a module's networks into a private function.
 *
 * Equal blocks share one function. Weights are passed as parameters, scalar constants stay inside.
 * The input module stays as it was.
 *
 * \param patterns Patterns to lift.
 */
ir::IRModule LiftBlocks(const ir::IRModule& module, const std::vector<std::string>& patterns);

}  // namespace cosearch::blocks
