// The forest kernel: walks packed decision trees. compileForest.ts packs and checks them, forest.ts lays out the memory.
//
// A node is 8 bytes. `go` holds two numbers: in its high bits a column, in its low `shift` bits the slot of the false
// child; the true child stands right beside it. One step is therefore
//
//     slot = false child + (x[column] <= threshold)
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
  const Node *nodes;
  const u32 *roots;    // where each tree begins; padded to a multiple of eight with trees that add nothing
  const u32 *targets;  // the output that each tree's leaves count for, if they have no lists
  const u32 *lists;    // null, or a list for each leaf: n, then n times (output, weight)
  u32 trees;
  u32 shift;
  u32 aggregate;
  const u32 *columns;  // feature * 2, + 1 where NaN is taken as -Infinity; column 0 isn't listed
  u32 columnCount;
  const float *input;  // [rows, features]
  u32 features;
  float *staged;  // the rows under way, column by column
  float *scores;  // [rows, width]
  u32 width;
} Forest;

enum { SUM, MIN, MAX };
enum { LANES = 8, BLOCK_ROWS = 64 };

#define UNROLL _Pragma("clang loop unroll(full)")
#define EACH_LANE UNROLL for (u32 i = 0; i < LANES; i++)

// Transposes rows to staged[column][lane]: then the address of a cell differs between lanes by a constant.
__attribute__((noinline)) static void stage(const Forest *f, float *staged, u32 row, u32 lanes) {
  for (u32 lane = 0; lane < lanes; lane++) {
    const float *in = f->input + (row + lane) * f->features;
    staged[lane] = __builtin_nanf("");
    for (u32 c = 0; c < f->columnCount; c++) {
      float x = in[f->columns[c] >> 1];
      staged[(c + 1) * lanes + lane] = f->columns[c] & 1 && x != x ? -__builtin_inff() : x;
    }
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

// Adds the weights of a row's leaf to its scores. In float32 and in the order of the trees, as ONNX Runtime
// does: another order changes the last bits, and with them the label wherever two classes tie.
static inline void settle(const Forest *f, u32 tree, const Node *leaf, float *scores) {
  if (f->lists || f->aggregate != SUM)
    settleRarely(f, tree, leaf, scores);
  else
    scores[f->targets[tree]] += leaf->weight;
}

// Eight rows through one tree. `x` is [column][lane], and columns count by eights.
static inline void walkRows(const Forest *f, u32 tree, const float *x, float *scores) {
  const Node *nodes = f->nodes + f->roots[tree];
  u32 shift = f->shift, mask = (1u << shift) - 1, at[LANES], columns;
  EACH_LANE at[i] = 0;
  do {
    columns = 0;
    EACH_LANE {
      const Node *node = nodes + at[i];
      u32 column = node->go >> shift;
      columns |= column;
      at[i] = (node->go & mask) + (x[column + i] <= node->threshold);
    }
  } while (columns);
  EACH_LANE settle(f, tree, nodes + at[i], scores + i * f->width);
}

// One row through eight trees. `x` is [column].
static inline void walkTrees(const Forest *f, u32 tree, const float *x, float *scores) {
  const Node *nodes[LANES];
  u32 shift = f->shift, mask = (1u << shift) - 1, at[LANES], columns;
  EACH_LANE nodes[i] = f->nodes + f->roots[tree + i], at[i] = 0;
  do {
    columns = 0;
    EACH_LANE {
      const Node *node = nodes[i] + at[i];
      u32 column = node->go >> shift;
      columns |= column;
      at[i] = (node->go & mask) + (x[column / LANES] <= node->threshold);
    }
  } while (columns);
  EACH_LANE settle(f, tree + i, nodes[i] + at[i], scores);
}

// Adds up the raw scores of the first rows of the input. Eights of rows go tree by tree over a block of rows, because a
// tree fits the processor's nearest cache and a forest doesn't. The last few rows go one by one.
__attribute__((export_name("score"))) void score(const Forest *f, u32 rows) {
  u32 inEights = rows - rows % LANES, size = (f->columnCount + 1) * LANES;
  for (u32 start = 0; start < inEights; start += BLOCK_ROWS) {
    u32 end = start + BLOCK_ROWS < inEights ? start + BLOCK_ROWS : inEights;
    float *x = f->staged;
    for (u32 row = start; row < end; row += LANES, x += size) stage(f, x, row, LANES);
    for (u32 tree = 0; tree < f->trees; tree++) {
      x = f->staged;
      for (u32 row = start; row < end; row += LANES, x += size) walkRows(f, tree, x, f->scores + row * f->width);
    }
  }
  for (u32 row = inEights; row < rows; row++) {
    stage(f, f->staged, row, 1);
    for (u32 tree = 0; tree < f->trees; tree += LANES) walkTrees(f, tree, f->staged, f->scores + row * f->width);
  }
}
