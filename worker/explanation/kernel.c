// The explanation kernel: path-dependent TreeSHAP (Lundberg et al. 2020) by quadrature (arXiv 2605.04497), exact but for
// rounding. packExplanation.ts packs and checks the trees, explainer.ts lays out the memory.
//
// Let a leaf have the weight w, and each feature i of its path the products a_i of indicators (the row takes these edges)
// and b_i of cover fractions (a training row takes them). The leaf contributes to feature i
//
//     w * (a_i - b_i) * integral over t in [0, 1] of the product over j != i of (t * a_j + (1 - t) * b_j)
//
// A Gauss-Legendre rule of n points integrates polynomials up to degree 2n - 1 exactly, so half as many points as a path has
// features suffice. They are computed in passes of 8, 4 and 2 points at a time.
//
// An edge is named by the slot of its lower node: 0 is no edge, 1 the edge into the root, then the inner nodes, parents
// first, then the leaves. Let F be the factor of an edge, t * a + (1 - t) * b of its feature; a feature that is tested again
// replaces its factor. Down the tree: the products of the factors of all features but the one that a node tests. Up the
// tree: the sums of w times the factors below an edge, in which those of the edge's own feature are relative to its factor.
// Divisions are needed where a feature is tested again, and nowhere else.
typedef unsigned int u32;

enum { MOST_POINTS = 8 };

enum { MISSING_LEFT = 1, EQUAL = 2 };

typedef struct {
  float threshold;
  u32 feature;
  u32 flags;
  u32 above;  // the last edge above that tests the same feature
  u32 left, right;
  // b_i at the edge above, and behind the test. Never 0: a factor is divided by.
  double aboveCover, leftCover, rightCover;
} Node;

typedef struct {
  u32 firstNode, inner;
  u32 firstWeight, leaves;  // weights: [leaves, outputs]
  u32 firstOutput, outputs;
  u32 points;  // of its rule: even
} Tree;

// Written by explainer.ts, one word each.
typedef struct {
  const Node *nodes;
  const Tree *trees;
  u32 treeCount;
  const double *weights;
  const double *rules;  // of 2 points, of 4, …: each a t, a 1 - t and a weight a point, pass by pass
  const float *input;  // [rows, features]
  u32 features, outputs;
  double *phi;  // [rows, outputs, features, MOST_POINTS], summed up here
  double *products, *sums;  // by slot
  u32 *hot;                 // by slot: a_i
} Job;

static inline u32 goesLeft(const Node *n, float x) {
  u32 holds = (x <= n->threshold) & (!(n->flags & EQUAL) | (x >= n->threshold));
  return holds | ((x != x) & n->flags & MISSING_LEFT);
}

#define FACTOR(slot, cover) (T * (double)hot[slot] + U * (cover))
#define JOIN_NOW(a, b) a##b
#define JOIN(a, b) JOIN_NOW(a, b)

#define POINTS 8
#include "sweeps.h"
#undef POINTS
#define POINTS 4
#include "sweeps.h"
#undef POINTS
#define POINTS 2
#include "sweeps.h"
#undef POINTS

// Adds the contributions of all trees to `phi`; their sums over the points are the contributions. Tree by tree, since a
// tree fits into a processor's cache and a forest doesn't.
__attribute__((export_name("explain"))) void explain(const Job *j, u32 rows) {
  j->hot[0] = 1;
  for (const Tree *tree = j->trees, *end = tree + j->treeCount; tree < end; tree++) {
    u32 half = tree->points / 2;
    for (u32 row = 0; row < rows; row++) {
      const double *rule = j->rules + 3 * half * (half - 1);
      u32 left = tree->points;
      for (; left >= 8; left -= 8, rule += 3 * 8) explain8(j, tree, rule, row);
      if (left >= 4) {
        explain4(j, tree, rule, row);
        left -= 4, rule += 3 * 4;
      }
      if (left >= 2) explain2(j, tree, rule, row);
    }
  }
}

// Sums up the points, and the features of each column: [rows, outputs, columns].
__attribute__((export_name("fold"))) void fold(const Job *j, u32 rows, const u32 *columnOf, u32 columns, double *sums) {
  const double *p = j->phi;
  for (u32 row = 0; row < rows * j->outputs; row++, sums += columns) {
    for (u32 f = 0; f < j->features; f++, p += MOST_POINTS) {
      sums[columnOf[f]] += ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
    }
  }
}
