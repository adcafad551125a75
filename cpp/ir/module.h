// Mirrors of modules and of the context that passes run in.
#pragma once

#include "ir/expr.h"

namespace cosearch::ir {

class IRModuleNode : public Object {
 public:
  using Functions = Map<GlobalVar, BaseFunc>;
  using GlobalInfos = Map<String, Any>;
  COSEARCH_NODE("ir.IRModule", Object);
  COSEARCH_FIELD(Functions, functions);
  COSEARCH_FIELD(DictAttrs, attrs);
  COSEARCH_FIELD(GlobalInfos, global_infos);
};
COSEARCH_REF(IRModule, ObjectRef, IRModuleNode);

class PassContextNode : public Object {
 public:
  using Config = Map<String, Any>;
  COSEARCH_NODE("transform.PassContext", Object);
  COSEARCH_FIELD(Config, config);
};
COSEARCH_REF(PassContext, ObjectRef, PassContextNode);

}  // namespace cosearch::ir
