// The explanation kernel: path-dependent TreeSHAP (Lundberg et al. 2020) by quadrature (arXiv 2605.04497), exact but for
// rounding. packExplanation.ts packs and checks the trees, explainer.ts lays out the memory.
//
// Let a leaf have the weight w, and each feature i of its path the products a_i of indicators (the row takes these edges)
// and b_i of cover fractions (a training row takes them). The leaf contributes to feature i
//
//     w * (a_i - b_i) * integral over t in [0, 1] of the product over j != i of (t * a_j + (1 - t) * b_j)
//
// A Gauss-Legendre rule of n points integrates polynomials up to degree 2n - 1 exactly, so 8 points suffice for paths with
// 16 features. Longer paths take several passes of 8 points of a larger rule.
//
// An edge is named by the slot of its lower node: 0 is no edge, 1 the edge into the root, then the inner nodes, parents
// first, then the leaves. Down the tree: the products P of all features, and the reciprocals R of the last feature's
// factor. Up the tree: the sums of P * w below each edge. A feature that is tested again replaces its factor, so the sum
// below the earlier edge is counted with the earlier factor, and taken out of it where the later test begins.
typedef unsigned int u32;

enum { POINTS = 8 };
typedef double Points __attribute__((vector_size(POINTS * sizeof(double))));

enum { MISSING_LEFT = 1, EQUAL = 2 };

typedef struct {
  float threshold;
  u32 feature;
  u32 flags;
  u32 above;  // the last edge above that tests the same feature
  u32 left, right;
  // b_i at the edge above, and behind the test. Never 0: it is divided by.
  double aboveCover, leftCover, rightCover;
} Node;

typedef struct {
  u32 firstNode, inner;
  u32 firstWeight, leaves;  // weights: [leaves, outputs]
  u32 firstOutput, outputs;
  u32 passes;
} Tree;

typedef struct {
  Points t, u, reciprocal, weight;  // t, 1 - t, 1 / (1 - t), and the weights of the points
} Rule;

// Written by explainer.ts, one word each.
typedef struct {
  const Node *nodes;
  const Tree *trees;
  u32 treeCount;
  const double *weights;
  const Rule *rules;  // those of one pass, of two, ...
  const float *input;  // [rows, features]
  u32 features, outputs;
  Points *phi;  // [rows, outputs, features], summed up here
  Points *P, *R, *sums;  // by slot
  u32 *hot;              // by slot: a_i
} Job;

static inline u32 goesLeft(const Node *n, float x) {
  u32 holds = (x <= n->threshold) & (!(n->flags & EQUAL) | (x >= n->threshold));
  return holds | ((x != x) & n->flags & MISSING_LEFT);
}

__attribute__((noinline)) static void down(const Job *j, const Tree *tree, const Rule *rule, const float *x) {
  Points *P = j->P, *R = j->R, T = rule->t, U = rule->u, C = rule->reciprocal;
  u32 *hot = j->hot;
  const Node *n = j->nodes + tree->firstNode;
  for (u32 slot = 1; slot <= tree->inner; slot++, n++) {
    u32 was = hot[n->above], goes = goesLeft(n, x[n->feature]);
    u32 left = n->left, right = n->right, l = was & goes, r = was & (goes ^ 1);
    Points others = P[slot] * R[n->above];
    P[left] = others * (T * (double)l + U * n->leftCover);
    P[right] = others * (T * (double)r + U * n->rightCover);
    hot[left] = l;
    hot[right] = r;
    double taken = goes ? n->leftCover : n->rightCover, not = goes ? n->rightCover : n->leftCover;
    R[goes ? left : right] = 1.0 / (T * (double)was + U * taken);
    R[goes ? right : left] = C * (1.0 / not);
  }
}

__attribute__((noinline)) static void up(
    const Job *j, const Tree *tree, const Rule *rule, u32 output, Points *phi, Points *sums) {
  const Points *P = j->P, *R = j->R, W = rule->weight;
  const u32 *hot = j->hot;
  u32 inner = tree->inner, outputs = tree->outputs;
  const double *weight = j->weights + tree->firstWeight + output;
  for (u32 leaf = inner + 1; leaf <= inner + tree->leaves; leaf++, weight += outputs) sums[leaf] = P[leaf] * W * *weight;
  const Node *n = j->nodes + tree->firstNode + inner;
  for (u32 slot = inner; slot > 0; slot--) {
    n--;
    u32 left = n->left, right = n->right, above = n->above;
    Points l = sums[left], r = sums[right], sum = l + r;
    sums[slot] = sum;
    phi[n->feature] += l * R[left] * ((double)hot[left] - n->leftCover) + r * R[right] * ((double)hot[right] - n->rightCover) -
                       sum * R[above] * ((double)hot[above] - n->aboveCover);
  }
}

// Adds the contributions of all trees to `phi`; their sums over the points are the contributions. Tree by tree, since a
// tree fits into a processor's cache and a forest doesn't.
__attribute__((export_name("explain"))) void explain(const Job *j, u32 rows) {
  j->R[0] = j->P[1] = (Points){} + 1.0;
  j->hot[0] = 1;
  u32 width = j->outputs * j->features;
  for (const Tree *tree = j->trees, *end = tree + j->treeCount; tree < end; tree++) {
    const Rule *first = j->rules + tree->passes * (tree->passes - 1) / 2;
    for (u32 row = 0; row < rows; row++) {
      Points *phi = j->phi + row * width + tree->firstOutput * j->features;
      for (const Rule *rule = first; rule < first + tree->passes; rule++) {
        down(j, tree, rule, j->input + row * j->features);
        for (u32 k = 0; k < tree->outputs; k++)
          // The last one needs P no more.
          up(j, tree, rule, k, phi + k * j->features, k + 1 < tree->outputs ? j->sums : j->P);
        j->P[1] = (Points){} + 1.0;
      }
    }
  }
}

// Sums up the points, and the features of each column: [rows, outputs, columns].
__attribute__((export_name("fold"))) void fold(const Job *j, u32 rows, const u32 *columnOf, u32 columns, double *sums) {
  const Points *phi = j->phi;
  for (u32 row = 0; row < rows * j->outputs; row++, sums += columns) {
    for (u32 f = 0; f < j->features; f++, phi++) {
      Points p = *phi;
      sums[columnOf[f]] += ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
    }
  }
}
