// CREATE INDEX ... WITH (m, ef_construction, quantization, sync), and what options,
// operator class and column make together. Under the name ivfflat, WITH (lists).
//
// ALTER INDEX ... SET changes what the next REINDEX builds and not the graph that is
// there, which has its parameters in its metapage. Whoever alters is told so by way of the
// server's object access hook, which is called after the change of a catalog.
//
// ALTER TABLE ... ALTER v TYPE vector, which drops the dimensions, changes no row. So the
// server makes a new index of the old one's file and does not call ambuild. The same hook
// sees the new index, and refuses it: it could never be built again.
#include "hnswpg/am/am.h"

extern "C" {
#include "access/amapi.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
}

namespace hnswpg {
namespace {

relopt_kind option_kind;
relopt_kind ivfflat_option_kind;

// auto: codes where they save something and tell the data apart.
enum QuantizationOption { kOptionAuto, kOptionNone, kOptionInt8 };

relopt_enum_elt_def quantization_values[] = {
    {"auto", kOptionAuto}, {"none", kOptionNone}, {"int8", kOptionInt8}, {nullptr, 0}};

// Up to here a code saves less than it costs: a vector takes hardly more of a slot than a
// code does, and without codes it need not be stored once more.
constexpr uint32_t kFewDimensions = 32;

enum SyncOption { kBackground, kImmediate };

relopt_enum_elt_def sync_values[] = {
    {"background", kBackground}, {"immediate", kImmediate}, {nullptr, 0}};

struct Options {
  int32 vl_len_;
  int lists;  // of ivfflat, where nothing else is said; means nothing
  int m;
  int ef_construction;
  int quantization;
  int sync;
};

// The struct has more members in some versions of the server; they stay 0.
relopt_parse_elt ParseElement(const char* name, relopt_type type, int offset) {
  relopt_parse_elt element{};
  element.optname = name;
  element.opttype = type;
  element.offset = offset;
  return element;
}

// Whether there are codes of such vectors, measured so.
bool HasCodes(const IndexParameters& p) {
  return SpaceExists({p.representation, p.metric, Quantization::kInt8});
}

// For an index of which nothing is known but its definition.
void ChooseQuantization(Relation index, const Options* options, IndexParameters* p) {
  const int asked = options ? options->quantization : static_cast<int>(kOptionAuto);
  p->automatic = asked == kOptionAuto;
  p->quantization = Quantization::kInt8;
  const bool has_codes = HasCodes(*p);
  if (!has_codes && asked == kOptionInt8) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("index \"%s\" cannot use quantization \"int8\": there are no codes for "
                           "this distance",
                           RelationGetRelationName(index)),
                    errhint("Leave the option out, or say quantization = none.")));
  }
  if (!has_codes || asked == kOptionNone || (p->automatic && p->dim <= kFewDimensions)) {
    p->quantization = Quantization::kNone;
  }
  p->book = p->quantization == Quantization::kNone ? kNoBook : kOriginBook;
}

int ColumnDimensions(Relation index) {
  const Form_pg_attribute column = TupleDescAttr(RelationGetDescr(index), 0);
  const int dim = column->atttypmod;
  if (dim < 1) {
    const char* type = format_type_be(column->atttypid);
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("cannot create index \"%s\": the column does not have dimensions",
                    RelationGetRelationName(index)),
             errhint("Declare it as %s(n), or index the expression (column::%s(n)).", type, type)));
  }
  return dim;
}

object_access_hook_type earlier_access_hook = nullptr;

// What a graph is built with; those of no options are the defaults.
struct BuildOptions {
  int m = kDefaultM;
  int ef_construction = kDefaultEfConstruction;
  int quantization = kOptionAuto;
  bool operator==(const BuildOptions&) const = default;
};

BuildOptions BuildOptionsOf(const void* options) {
  if (!options) return {};
  const Options* given = static_cast<const Options*>(options);
  return {given->m, given->ef_construction, given->quantization};
}

// As the catalog has them by now, which the relation's cache entry does not yet show.
BuildOptions NewBuildOptions(Oid index) {
  BuildOptions result;
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(index));
  Relation catalog = table_open(RelationRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(catalog, ClassOidIndexId, true, SnapshotSelf, 1, &key);
  HeapTuple tuple = systable_getnext(scan);
  if (HeapTupleIsValid(tuple)) {
    result = BuildOptionsOf(extractRelOptions(tuple, RelationGetDescr(catalog), hnswoptions));
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return result;
}

bool WasBuiltSo(const IndexParameters& graph, const BuildOptions& options) {
  if (graph.m != options.m || graph.ef_construction != options.ef_construction) return false;
  if (options.quantization == kOptionAuto) {
    return graph.automatic || !HasCodes(graph);  // which leaves no choice
  }
  return (options.quantization == kOptionNone) == (graph.quantization == Quantization::kNone);
}

void NoticeIfGraphStays(Relation index) {
  const BuildOptions options = NewBuildOptions(RelationGetRelid(index));
  if (options == BuildOptionsOf(index->rd_options)) return;
  if (WasBuiltSo(OpenIndex(index).parameters, options)) return;
  ereport(NOTICE, (errmsg("the graph of index \"%s\" stays as it was built until it is built anew",
                          RelationGetRelationName(index)),
                   errhint("REINDEX the index, or call hnsw_sync for it with rebuild => true.")));
}

bool IsOurValidIndex(Relation rel) {
  return rel->rd_rel->relkind == RELKIND_INDEX && rel->rd_indam->ambuild == hnswbuild &&
         rel->rd_index->indisvalid && !RELATION_IS_OTHER_TEMP(rel);
}

// The catalogs do not show the relation yet; its entry in the relation cache is there.
// The server has set the entry's access method, and not yet what belongs to that.
void AfterCreate(Oid object) {
  Relation rel = RelationIdGetRelation(object);
  if (!RelationIsValid(rel)) return;
  const bool is_index =
      rel->rd_rel->relkind == RELKIND_INDEX || rel->rd_rel->relkind == RELKIND_PARTITIONED_INDEX;
  if (is_index && GetIndexAmRoutineByAmId(rel->rd_rel->relam, false)->ambuild == hnswbuild) {
    ColumnDimensions(rel);
  }
  RelationClose(rel);
}

void AfterAlter(Oid object) {
  if (get_rel_relkind(object) != RELKIND_INDEX) return;
  Relation index = try_relation_open(object, AccessShareLock);
  if (!index) return;
  if (IsOurValidIndex(index)) NoticeIfGraphStays(index);
  relation_close(index, AccessShareLock);
}

void AfterChange(ObjectAccessType access, Oid catalog, Oid object, int part, void* arg) {
  if (earlier_access_hook) earlier_access_hook(access, catalog, object, part, arg);
  if (catalog != RelationRelationId || part != 0) return;
  if (access == OAT_POST_CREATE) AfterCreate(object);
  if (access == OAT_POST_ALTER) AfterAlter(object);
}

}  // namespace

void InstallCatalogHook() {
  earlier_access_hook = object_access_hook;
  object_access_hook = AfterChange;
}

void DefineOptions() {
  option_kind = add_reloption_kind();
  add_int_reloption(option_kind, "m", "Neighbours of an element on each level", kDefaultM, kMinM,
                    kMaxM, AccessExclusiveLock);
  add_int_reloption(option_kind, "ef_construction", "Candidates kept while an element is linked",
                    kDefaultEfConstruction, kMinEfConstruction, kMaxEfConstruction,
                    AccessExclusiveLock);
  add_enum_reloption(option_kind, "quantization", "Codes that the graph is walked by",
                     quantization_values, kOptionAuto,
                     "Valid values are \"auto\", \"int8\" and \"none\".", AccessExclusiveLock);
  // Commands that begin later heed it.
  add_enum_reloption(option_kind, "sync", "When what is inserted is linked into the graph",
                     sync_values, kBackground, "Valid values are \"background\" and \"immediate\".",
                     ShareUpdateExclusiveLock);
  ivfflat_option_kind = add_reloption_kind();
  add_int_reloption(ivfflat_option_kind, "lists", "Is accepted, and changes nothing", 100, 1, 32768,
                    AccessExclusiveLock);
}

bytea* hnswoptions(Datum reloptions, bool validate) {
  const relopt_parse_elt parse[] = {
      ParseElement("m", RELOPT_TYPE_INT, offsetof(Options, m)),
      ParseElement("ef_construction", RELOPT_TYPE_INT, offsetof(Options, ef_construction)),
      ParseElement("quantization", RELOPT_TYPE_ENUM, offsetof(Options, quantization)),
      ParseElement("sync", RELOPT_TYPE_ENUM, offsetof(Options, sync)),
  };
  Options* options = static_cast<Options*>(
      build_reloptions(reloptions, validate, option_kind, sizeof(Options), parse, lengthof(parse)));
  if (validate && options && options->ef_construction < 2 * options->m) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("ef_construction (%d) must be at least twice m (%d)",
                           options->ef_construction, options->m)));
  }
  return reinterpret_cast<bytea*>(options);
}

bytea* ivfflatoptions(Datum reloptions, bool validate) {
  const relopt_parse_elt parse[] = {
      ParseElement("lists", RELOPT_TYPE_INT, offsetof(Options, lists))};
  Options* options = static_cast<Options*>(build_reloptions(
      reloptions, validate, ivfflat_option_kind, sizeof(Options), parse, lengthof(parse)));
  if (options) {
    options->m = kDefaultM;
    options->ef_construction = kDefaultEfConstruction;
  }
  static bool told = false;
  if (validate && !told) {
    told = true;
    ereport(NOTICE, (errmsg("indexes that are created USING ivfflat are hnsw graphs"),
                     errdetail("The option lists and the setting ivfflat.probes change nothing; "
                               "hnsw.ef_search says how many candidates a search keeps.")));
  }
  return reinterpret_cast<bytea*>(options);
}

namespace {

void CheckDimensions(Relation index, const IndexParameters& p) {
  const uint32_t most = MostDimensions(p.representation);
  if (p.dim <= most) return;
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                  errmsg("cannot create index \"%s\": the column has %u dimensions, and an index "
                         "can have %u",
                         RelationGetRelationName(index), p.dim, most)));
}

}  // namespace

IndexParameters ParametersOf(Relation index) {
  const Options* options = reinterpret_cast<const Options*>(index->rd_options);
  IndexParameters p;
  p.dim = ColumnDimensions(index);
  p.m = options ? options->m : kDefaultM;
  p.ef_construction = options ? options->ef_construction : kDefaultEfConstruction;
  const OpclassSupport* support = SupportOf(index);
  p.representation = support->representation;
  p.metric = support->metric;
  CheckDimensions(index, p);
  ChooseQuantization(index, options, &p);
  return p;
}

bool LinksAtOnce(Relation index) {
  const Options* options = reinterpret_cast<const Options*>(index->rd_options);
  return options && options->sync == kImmediate;
}

}  // namespace hnswpg
