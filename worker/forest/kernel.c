// The forest kernel: walks packed decision trees. compileForest.ts packs and checks them, forest.ts lays out the memory.
//
// A node is 8 bytes. `go` holds two numbers: in its high bits a column, in its low `shift` bits the slot of the false
// child; the true child stands right beside it. One step is therefore
//
//     slot = false child + (x[column] <= threshold)
//
// Slots count from the first node, and `shift` is one of a few, wherever columns and slots fit into a word: then address
// and shift are constants of the code, and eight walks fit into the processor's registers. Else they count from the root.
//
// without a branch that a processor could mispredict. A walk stays in its leaf: the leaf's column is 0, where every row
// has NaN, which is <= nothing, and its "false child" is the leaf itself. So eight walks advance in step until all columns
// are 0, and their memory accesses overlap.
typedef unsigned int u32;

typedef struct {
  union {
    float threshold;
    float weight;  // of a leaf
    u32 list;      // of a leaf, if leaves have lists: where its list begins
  };
  u32 go;
} Node;

typedef struct {
  u32 output;
  float weight;
} Weight;

// Written by forest.ts, one word each.
typedef struct {
  const u32 *roots;    // where each tree begins; padded to a multiple of eight with trees that add nothing
  const u32 *targets;  // the output that each tree's leaves count for, if they have no lists
  const u32 *lists;    // null, or a list for each leaf: n, then n times (output, weight)
  u32 trees;
  u32 shift;
  u32 absolute;  // whether slots count from the first node
  u32 aggregate;
  const u32 *columns;  // feature * 2, + 1 where NaN is taken as -Infinity; column 0 isn't listed
  u32 columnCount;
  const float *input;  // [rows, features]
  u32 features;
  float *staged;  // the rows under way, column by column
  u32 blockRows;  // a multiple of eight: rows that are staged at once
  float *scores;  // [rows, width]
  u32 width;
  u32 leaves[8];  // where the walks under way have ended
} Forest;

// Where forestMemory.ts places the nodes.
#define NODES ((const Node *)65536)

enum { SUM, MIN, MAX };
enum { LANES = 8 };

#define UNROLL _Pragma("clang loop unroll(full)")
#define EACH_LANE UNROLL for (u32 i = 0; i < LANES; i++)

static inline float lowIfMissing(float x) { return x != x ? -__builtin_inff() : x; }

// Transposes eight rows to staged[column][lane]: then the address of a cell differs between lanes by a constant.
__attribute__((noinline)) static void stageEight(const Forest *f, float *staged, u32 row) {
  u32 features = f->features;
  const float *in = f->input + row * features;
  EACH_LANE staged[i] = __builtin_nanf("");
  for (const u32 *column = f->columns, *end = column + f->columnCount; column < end; column++) {
    const float *x = in + (*column >> 1);
    staged += LANES;
    if (*column & 1) {
      EACH_LANE staged[i] = lowIfMissing(x[i * features]);
    } else {
      EACH_LANE staged[i] = x[i * features];
    }
  }
}

__attribute__((noinline)) static void stageOne(const Forest *f, float *staged, u32 row) {
  const float *in = f->input + row * f->features;
  *staged = __builtin_nanf("");
  for (u32 c = 0; c < f->columnCount; c++) {
    float x = in[f->columns[c] >> 1];
    staged[c + 1] = f->columns[c] & 1 ? lowIfMissing(x) : x;
  }
}

static void count(float *score, float weight, u32 aggregate) {
  if (aggregate == SUM)
    *score += weight;
  else if (aggregate == MIN ? weight < *score : weight > *score)
    *score = weight;
}

__attribute__((noinline)) static void settleRarely(const Forest *f, u32 tree, const Node *leaf, float *scores) {
  if (!f->lists) {
    count(scores + f->targets[tree], leaf->weight, f->aggregate);
    return;
  }
  const u32 *list = f->lists + leaf->list;
  const Weight *entry = (const Weight *)(list + 1);
  for (u32 n = *list; n > 0; n--, entry++) count(scores + entry->output, entry->weight, f->aggregate);
}

// Walks eight rows through one tree (`x` is [column][lane], and columns count by eights), or one row through eight trees
// (`x` is [column]); `leaves` are the slots where they end. Not inlined, and without a word about scores: then all that a
// walk needs stays in registers.
#define WALKS(name, shift, base, start)                                                                       \
  __attribute__((noinline)) static void rows##name(const Forest *f, u32 tree, const float *x, u32 *leaves) { \
    const Node *nodes = base(tree);                                                                           \
    u32 mask = (1u << (shift)) - 1, at[LANES], columns;                                                       \
    EACH_LANE at[i] = start(tree);                                                                            \
    do {                                                                                                      \
      columns = 0;                                                                                            \
      EACH_LANE {                                                                                             \
        const Node *node = nodes + at[i];                                                                     \
        u32 column = node->go >> (shift);                                                                     \
        columns |= column;                                                                                    \
        at[i] = (node->go & mask) + (x[column + i] <= node->threshold);                                       \
      }                                                                                                       \
    } while (columns);                                                                                        \
    EACH_LANE leaves[i] = at[i];                                                                              \
  }                                                                                                           \
  __attribute__((noinline)) static void trees##name(const Forest *f, u32 tree, const float *x, u32 *leaves) { \
    u32 mask = (1u << (shift)) - 1, at[LANES], columns;                                                       \
    EACH_LANE at[i] = start(tree + i);                                                                        \
    do {                                                                                                      \
      columns = 0;                                                                                            \
      EACH_LANE {                                                                                             \
        const Node *node = base(tree + i) + at[i];                                                            \
        u32 column = node->go >> (shift);                                                                     \
        columns |= column;                                                                                    \
        at[i] = (node->go & mask) + (x[column / LANES] <= node->threshold);                                   \
      }                                                                                                       \
    } while (columns);                                                                                        \
    EACH_LANE leaves[i] = at[i];                                                                              \
  }

#define FIRST(tree) NODES
#define ROOT(tree) f->roots[tree]
#define FROM_ROOT(tree) (NODES + f->roots[tree])
#define ZERO(tree) 0
WALKS(16, 16, FIRST, ROOT)
WALKS(20, 20, FIRST, ROOT)
WALKS(FromRoot, f->shift, FROM_ROOT, ZERO)

#define WALK(what, tree, x)                                         \
  if (f->shift == 16 && f->absolute) what##16(f, tree, x, leaves);  \
  else if (f->absolute) what##20(f, tree, x, leaves);               \
  else what##FromRoot(f, tree, x, leaves)

static inline const Node *leafOf(const Forest *f, u32 tree, u32 slot) {
  return NODES + slot + (f->absolute ? 0 : f->roots[tree]);
}

// Adds the weights of leaves to scores, [row, width] or of one row. In float32 and in the order of the trees, as ONNX
// Runtime does: another order changes the last bits, and with them the label wherever two classes tie.
static inline void settleRows(const Forest *f, u32 tree, const u32 *leaves, float *scores) {
  const Node *nodes = f->absolute ? NODES : NODES + f->roots[tree];
  u32 width = f->width;
  if (f->lists || f->aggregate != SUM) {
    for (u32 i = 0; i < LANES; i++) settleRarely(f, tree, nodes + leaves[i], scores + i * width);
    return;
  }
  scores += f->targets[tree];
  for (u32 i = 0; i < LANES; i++, scores += width) *scores += nodes[leaves[i]].weight;
}

static inline void settleTrees(const Forest *f, u32 tree, const u32 *leaves, float *scores) {
  if (f->lists || f->aggregate != SUM) {
    for (u32 i = 0; i < LANES; i++) settleRarely(f, tree + i, leafOf(f, tree + i, leaves[i]), scores);
    return;
  }
  const u32 *targets = f->targets + tree;
  EACH_LANE scores[targets[i]] += leafOf(f, tree + i, leaves[i])->weight;
}

// Adds up the raw scores of the first rows of the input. Eights of rows go tree by tree over a block of rows, because a
// tree fits the processor's nearest cache and a forest doesn't: the more rows a block has, the fewer times each tree is
// fetched. The last few rows go one by one.
__attribute__((export_name("score"))) void score(Forest *f, u32 rows) {
  u32 *leaves = f->leaves;
  u32 inEights = rows - rows % LANES, size = (f->columnCount + 1) * LANES;
  for (u32 start = 0; start < inEights; start += f->blockRows) {
    u32 end = start + f->blockRows < inEights ? start + f->blockRows : inEights;
    float *x = f->staged;
    for (u32 row = start; row < end; row += LANES, x += size) stageEight(f, x, row);
    for (u32 tree = 0; tree < f->trees; tree++) {
      x = f->staged;
      for (u32 row = start; row < end; row += LANES, x += size) {
        WALK(rows, tree, x);
        settleRows(f, tree, leaves, f->scores + row * f->width);
      }
    }
  }
  for (u32 row = inEights; row < rows; row++) {
    stageOne(f, f->staged, row);
    for (u32 tree = 0; tree < f->trees; tree += LANES) {
      WALK(trees, tree, f->staged);
      settleTrees(f, tree, leaves, f->scores + row * f->width);
    }
  }
}
