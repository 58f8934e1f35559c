// The access method's handlers: what it can do, and its callbacks. Under pgvector's other
// name it is the same, but for the options that it takes.
#include "hnswpg/am/am.h"
#include "hnswpg/postgres/function.h"

namespace hnswpg {
namespace {

IndexAmRoutine* MakeRoutine() {
  PrepareScanSettings();
  IndexAmRoutine* am = makeNode(IndexAmRoutine);
  am->amstrategies = 0;
  am->amsupport = kSupportProcs;
  am->amoptsprocnum = 0;
  am->amcanorder = false;
  am->amcanorderbyop = true;
  am->amcanbackward = false;
  am->amcanunique = false;
  am->amcanmulticol = false;
  am->amoptionalkey = true;
  am->amsearcharray = false;
  am->amsearchnulls = false;
  am->amstorage = false;
  am->amclusterable = false;
  am->ampredlocks = false;
  am->amcanparallel = false;
  am->amcaninclude = false;
  am->amusemaintenanceworkmem = false;  // VACUUM; CREATE INDEX does
  // The members of a parallel group would share the graph lock: one process vacuums
  // an index.
  am->amparallelvacuumoptions = VACUUM_OPTION_NO_PARALLEL;
  am->amkeytype = InvalidOid;

  am->ambuild = hnswbuild;
  am->ambuildempty = hnswbuildempty;
  am->aminsert = hnswinsert;
  am->ambulkdelete = hnswbulkdelete;
  am->amvacuumcleanup = hnswvacuumcleanup;
  am->amcanreturn = nullptr;
  am->amcostestimate = hnswcostestimate;
  am->amoptions = hnswoptions;
  am->amproperty = nullptr;
  am->ambuildphasename = hnswbuildphasename;
  am->amvalidate = hnswvalidate;
  am->amadjustmembers = nullptr;
  am->ambeginscan = hnswbeginscan;
  am->amrescan = hnswrescan;
  am->amgettuple = hnswgettuple;
  am->amgetbitmap = nullptr;
  am->amendscan = hnswendscan;
  am->ammarkpos = nullptr;
  am->amrestrpos = nullptr;
  am->amestimateparallelscan = nullptr;
  am->aminitparallelscan = nullptr;
  am->amparallelrescan = nullptr;
  return am;
}

}  // namespace
}  // namespace hnswpg

HNSWPG_FUNCTION(hnswhandler)(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  PG_RETURN_POINTER(hnswpg::MakeRoutine());
}

HNSWPG_FUNCTION(ivfflathandler)(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  IndexAmRoutine* am = hnswpg::MakeRoutine();
  am->amoptions = hnswpg::ivfflatoptions;
  PG_RETURN_POINTER(am);
}
