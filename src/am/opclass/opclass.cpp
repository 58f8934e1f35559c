// Operator classes: their support functions, and the check of their definition.
#include "hnswpg/am/am.h"
#include "hnswpg/postgres/function.h"

extern "C" {
#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
}

namespace hnswpg {
namespace {

bool IsSupportFunction(const FormData_pg_amproc* proc) {
  return proc->amprocnum == kSupportProc &&
         check_amproc_signature(proc->amproc, INTERNALOID, true, 1, 1, INTERNALOID);
}

bool IsDistanceOperator(const FormData_pg_amop* op) {
  return op->amopstrategy == kDistanceStrategy && op->amoppurpose == AMOP_ORDER &&
         opfamily_can_sort_type(op->amopsortfamily, get_op_rettype(op->amopopr)) &&
         check_amop_signature(op->amopopr, FLOAT8OID, op->amoplefttype, op->amoprighttype);
}

bool Complain(const char* opclass, const char* what, const char* object) {
  ereport(INFO, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                 errmsg("the family of operator class \"%s\" of access method hnsw contains %s %s, "
                        "which it cannot use",
                        opclass, what, object)));
  return false;
}

}  // namespace

const OpclassSupport* SupportOf(Relation index) {
  FmgrInfo* proc = index_getprocinfo(index, 1, kSupportProc);
  return reinterpret_cast<const OpclassSupport*>(
      DatumGetPointer(FunctionCall1(proc, PointerGetDatum(nullptr))));
}

bool hnswvalidate(Oid opclass) {
  HeapTuple class_tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
  if (!HeapTupleIsValid(class_tuple))
    elog(ERROR, "cache lookup failed for operator class %u", opclass);
  auto* form = reinterpret_cast<Form_pg_opclass>(GETSTRUCT(class_tuple));
  const Oid family = form->opcfamily;
  const char* name = pstrdup(NameStr(form->opcname));
  ReleaseSysCache(class_tuple);

  bool valid = true;
  bool has_support = false;
  CatCList* procs = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(family));
  for (int i = 0; i < procs->n_members; i++) {
    auto* proc = reinterpret_cast<Form_pg_amproc>(GETSTRUCT(&procs->members[i]->tuple));
    if (!IsSupportFunction(proc))
      valid = Complain(name, "function", format_procedure(proc->amproc));
    has_support = true;
  }
  CatCList* ops = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(family));
  for (int i = 0; i < ops->n_members; i++) {
    auto* op = reinterpret_cast<Form_pg_amop>(GETSTRUCT(&ops->members[i]->tuple));
    if (!IsDistanceOperator(op)) valid = Complain(name, "operator", format_operator(op->amopopr));
  }
  ReleaseCatCacheList(procs);
  ReleaseCatCacheList(ops);
  if (!has_support) {
    ereport(INFO, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                   errmsg("operator class \"%s\" of access method hnsw lacks support function %d",
                          name, kSupportProc)));
    valid = false;
  }
  return valid;
}

}  // namespace hnswpg

// One for each type and distance.
#define HNSWPG_SUPPORT(name, representation, metric)                                       \
  HNSWPG_FUNCTION(name)(PG_FUNCTION_ARGS) {                                                \
    (void)fcinfo;                                                                          \
    static const hnswpg::OpclassSupport support = {hnswpg::Representation::representation, \
                                                   hnswpg::Metric::metric};                \
    PG_RETURN_POINTER(const_cast<hnswpg::OpclassSupport*>(&support));                      \
  }

#define HNSWPG_DENSE_SUPPORT(type, representation)                        \
  HNSWPG_SUPPORT(hnsw_##type##_l2_support, representation, kL2)           \
  HNSWPG_SUPPORT(hnsw_##type##_ip_support, representation, kInnerProduct) \
  HNSWPG_SUPPORT(hnsw_##type##_cosine_support, representation, kCosine)   \
  HNSWPG_SUPPORT(hnsw_##type##_l1_support, representation, kL1)

HNSWPG_DENSE_SUPPORT(vector, kFloat32)
HNSWPG_DENSE_SUPPORT(halfvec, kFloat16)
HNSWPG_SUPPORT(hnsw_bit_hamming_support, kBits, kHamming)
HNSWPG_SUPPORT(hnsw_bit_jaccard_support, kBits, kJaccard)
