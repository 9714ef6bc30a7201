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
// first, then the leaves. Let F be the factor of an edge, t * a + (1 - t) * b of its feature; a feature that is tested again
// replaces its factor. Down the tree: the products of the factors of all features but the one that a node tests. Up the
// tree: the sums of w times the factors below an edge, in which those of the edge's own feature are relative to its factor.
// Divisions are needed where a feature is tested again, and nowhere else.
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
  // b_i at the edge above, and behind the test. Never 0: a factor is divided by.
  double aboveCover, leftCover, rightCover;
} Node;

typedef struct {
  u32 firstNode, inner;
  u32 firstWeight, leaves;  // weights: [leaves, outputs]
  u32 firstOutput, outputs;
  u32 passes;
} Tree;

typedef struct {
  Points t, u, weight;  // t, 1 - t, and the weights of the points
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
  Points *products, *sums;  // by slot
  u32 *hot;                 // by slot: a_i
} Job;

static inline u32 goesLeft(const Node *n, float x) {
  u32 holds = (x <= n->threshold) & (!(n->flags & EQUAL) | (x >= n->threshold));
  return holds | ((x != x) & n->flags & MISSING_LEFT);
}

#define FACTOR(slot, cover) (T * (double)hot[slot] + U * (cover))

__attribute__((noinline)) static void down(const Job *j, const Tree *tree, const Rule *rule, const float *x) {
  Points *products = j->products, T = rule->t, U = rule->u;
  u32 *hot = j->hot;
  const Node *n = j->nodes + tree->firstNode;
  products[1] = rule->weight;
  for (u32 slot = 1; slot <= tree->inner; slot++, n++) {
    u32 was = hot[n->above], goes = goesLeft(n, x[n->feature]);
    u32 left = n->left, right = n->right;
    Points others = products[slot];
    if (n->above) products[slot] = others /= FACTOR(n->above, n->aboveCover);
    hot[left] = was & goes;
    hot[right] = was & (goes ^ 1);
    // Leaves have places that are never read: a branch would cost more.
    products[left] = others * FACTOR(left, n->leftCover);
    products[right] = others * FACTOR(right, n->rightCover);
  }
}

__attribute__((noinline)) static void up(const Job *j, const Tree *tree, const Rule *rule, u32 output, Points *phi) {
  const Points *products = j->products, T = rule->t, U = rule->u;
  Points *sums = j->sums;
  const u32 *hot = j->hot;
  u32 inner = tree->inner, outputs = tree->outputs;
  const double *weight = j->weights + tree->firstWeight + output;
  for (u32 leaf = inner + 1; leaf <= inner + tree->leaves; leaf++, weight += outputs) sums[leaf] = (Points){} + *weight;
  const Node *n = j->nodes + tree->firstNode + inner;
  for (u32 slot = inner; slot > 0; slot--) {
    n--;
    u32 left = n->left, right = n->right, above = n->above;
    Points l = sums[left], r = sums[right];
    Points sum = l * FACTOR(left, n->leftCover) + r * FACTOR(right, n->rightCover);
    Points change = l * ((double)hot[left] - n->leftCover) + r * ((double)hot[right] - n->rightCover);
    if (above) {
      sum /= FACTOR(above, n->aboveCover);
      change -= sum * ((double)hot[above] - n->aboveCover);
    }
    sums[slot] = sum;
    phi[n->feature] += products[slot] * change;
  }
}

// Adds the contributions of all trees to `phi`; their sums over the points are the contributions. Tree by tree, since a
// tree fits into a processor's cache and a forest doesn't.
__attribute__((export_name("explain"))) void explain(const Job *j, u32 rows) {
  j->hot[0] = 1;
  u32 width = j->outputs * j->features;
  for (const Tree *tree = j->trees, *end = tree + j->treeCount; tree < end; tree++) {
    const Rule *first = j->rules + tree->passes * (tree->passes - 1) / 2;
    for (u32 row = 0; row < rows; row++) {
      Points *phi = j->phi + row * width + tree->firstOutput * j->features;
      for (const Rule *rule = first; rule < first + tree->passes; rule++) {
        down(j, tree, rule, j->input + row * j->features);
        for (u32 k = 0; k < tree->outputs; k++) up(j, tree, rule, k, phi + k * j->features);
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
