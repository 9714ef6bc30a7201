// The two sweeps of kernel.c for a rule of POINTS points: t, 1 - t and the weights, one vector each.
#define Points JOIN(Points, POINTS)
#define NAMED(sweep) JOIN(sweep, POINTS)
typedef double Points __attribute__((vector_size(POINTS * sizeof(double)), aligned(8)));

__attribute__((noinline)) static void NAMED(down)(const Job *j, const Tree *tree, const double *rule, const float *x) {
  Points *products = (Points *)j->products, T = ((const Points *)rule)[0], U = ((const Points *)rule)[1];
  u32 *hot = j->hot;
  const Node *n = j->nodes + tree->firstNode;
  products[1] = ((const Points *)rule)[2];
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

__attribute__((noinline)) static void NAMED(up)(const Job *j, const Tree *tree, const double *rule, u32 output, double *phi) {
  const Points *products = (const Points *)j->products, T = ((const Points *)rule)[0], U = ((const Points *)rule)[1];
  Points *sums = (Points *)j->sums;
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
    *(Points *)(phi + MOST_POINTS * n->feature) += products[slot] * change;
  }
}

static void NAMED(explain)(const Job *j, const Tree *tree, const double *rule, u32 row) {
  double *phi = j->phi + MOST_POINTS * j->features * (row * j->outputs + tree->firstOutput);
  NAMED(down)(j, tree, rule, j->input + row * j->features);
  for (u32 k = 0; k < tree->outputs; k++) NAMED(up)(j, tree, rule, k, phi + MOST_POINTS * j->features * k);
}

#undef Points
#undef NAMED
