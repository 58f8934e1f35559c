// The access method's handler: what it can do, and its callbacks.
#include "hnswpg/am/am.h"
#include "hnswpg/postgres/function.h"

HNSWPG_FUNCTION(hnswhandler)(PG_FUNCTION_ARGS) {
  hnswpg::PrepareScanSettings();
  IndexAmRoutine* am = makeNode(IndexAmRoutine);
  am->amstrategies = 0;
  am->amsupport = hnswpg::kSupportProcs;
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

  am->ambuild = hnswpg::hnswbuild;
  am->ambuildempty = hnswpg::hnswbuildempty;
  am->aminsert = hnswpg::hnswinsert;
  am->ambulkdelete = hnswpg::hnswbulkdelete;
  am->amvacuumcleanup = hnswpg::hnswvacuumcleanup;
  am->amcanreturn = nullptr;
  am->amcostestimate = hnswpg::hnswcostestimate;
  am->amoptions = hnswpg::hnswoptions;
  am->amproperty = nullptr;
  am->ambuildphasename = hnswpg::hnswbuildphasename;
  am->amvalidate = hnswpg::hnswvalidate;
  am->amadjustmembers = nullptr;
  am->ambeginscan = hnswpg::hnswbeginscan;
  am->amrescan = hnswpg::hnswrescan;
  am->amgettuple = hnswpg::hnswgettuple;
  am->amgetbitmap = nullptr;
  am->amendscan = hnswpg::hnswendscan;
  am->ammarkpos = nullptr;
  am->amrestrpos = nullptr;
  am->amestimateparallelscan = nullptr;
  am->aminitparallelscan = nullptr;
  am->amparallelrescan = nullptr;
  PG_RETURN_POINTER(am);
}
