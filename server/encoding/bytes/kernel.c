// Reads the rows of a JSON body, the lines of a CSV or the tensors of V2 straight into a feature matrix. kernel.ts lays out the memory,
// plan.ts writes the plan.
//
// It takes only what is certainly valid and certainly means what JSON.parse or the CSV reader, and the encoder, make of it;
// for anything else it returns -1, and the body goes the long way, which alone says what is wrong. So there is no error here.
//
// Behind the body stand PAD zero bytes. No loop passes a zero byte, and no load reads more than 32 bytes ahead.
typedef unsigned char u8;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long long u64;
typedef long long i64;
typedef u8 v16 __attribute__((vector_size(16)));
typedef u64 v2 __attribute__((vector_size(16)));

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name)))
__attribute__((import_module("env"), import_name("number"))) double readNumber(const u8 *from, u32 length);
static inline u32 bits(v16 equal) { return __builtin_wasm_bitmask_i8x16((__attribute__((vector_size(16))) signed char)equal); }
#else  // the fuzzer of fuzz.c
#define EXPORT(name)
double readNumber(const u8 *from, u32 length);
static inline u32 bits(v16 equal) {
  u32 mask = 0;
  for (u32 i = 0; i < 16; i++) mask |= (u32)(equal[i] >> 7) << i;
  return mask;
}
#endif

enum { TEXT, NUMBER, BOOLEAN };
// ASIDE: the number goes to a matrix of its own, for a writer outside.
enum { NULLABLE = 1, WHOLE = 2, SINGLE = 4, ASIDE = 8 };
enum { KNOWN = 1, RESERVED = 2 };
enum { NATIVE, INSTANCES, MLFLOW, CSV, TENSORS };
enum { PAD = 64, CHUNK = 32 };

// The plan is one block of memory. Offsets are in bytes from its start; 0 is none.
typedef struct {
  u32 columns, count;
  u32 features;
  u32 aside;  // numbers a row that go to the other matrix
  u32 names;  // Table of the columns' names
} Plan;

// Open addressing. `slots` are offsets of entries, at most one in four is used.
typedef struct {
  u32 mask, slots, entries, count;
  u64 factor;
} Table;

// Its text follows, padded with zeros to a multiple of CHUNK bytes, at least one.
typedef struct {
  u32 length, flags;
  u32 feature;  // what it writes first, perhaps a zero behind the row; of a name: its column
  float value;
  u32 writes, count;  // and the rest
  u32 unused[2];
} Entry;

typedef struct {
  u32 feature;
  float value;
} Write;

typedef struct {
  u32 kind, flags;
  u32 to;                // feature, or place in a row of the other matrix
  u32 name, nameLength;  // with the closing quote; padded as an entry's text
  u32 table;
  u32 null, other;  // Entry for null, and for a text that the table lacks
  double least, most;
  float missing;
  u32 unused[3];
} Column;

typedef struct {
  u32 row, column, from, length;
} Unknown;

// Written by kernel.ts, one word each; the last four are results.
typedef struct {
  const u8 *plan;
  u8 *body;
  u32 length, form;
  float *out;      // [maxRows, features] and 3 more
  double *aside;   // [maxRows, aside]
  u32 *starts;     // where each row begins, and where the last ends: [maxRows + 1]
  u32 maxRows;
  Unknown *unknown;
  u32 maxUnknown;
  u32 *order;  // [columns]; of CSV an input: [width]
  u32 *seen;   // [columns]
  // Of CSV: cells a row, what stands between them, the decimal sign, the number of the first row where rows are numbered.
  u32 width, delimiter, decimal, index;
  // Of tensors: where their list begins, and where the JSON ends and binary data begin. `lines` is where the list ends.
  u32 from, jsonLength;
  u32 rows, unknownCount, shape, lines;
} Run;

// Cells of CSV that belong to no column, as they stand in `order`.
#define SKIPPED (~0u)
#define INDEX (~0u - 1)

enum { ALONE = 1, BY_NAME = 2, MOVED = 4 };

// 5^q for q from LEAST_POWER on, as 128 bits of which the first is set: high, low. Written by kernel.ts.
enum { LEAST_POWER = -64, MOST_POWER = 64 };
static u64 powers[MOST_POWER - LEAST_POWER + 1][2];
EXPORT("powers") u64 *powersOf(void) { return powers[0]; }

static const double TENS[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

#define INLINE __attribute__((always_inline)) static inline

static inline v16 load(const u8 *p) {
  v16 v;
  __builtin_memcpy(&v, p, 16);
  return v;
}

static inline u64 load64(const u8 *p) {
  u64 v;
  __builtin_memcpy(&v, p, 8);
  return v;
}

static inline const u8 *space(const u8 *p) {
  while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') p++;
  return p;
}

static inline int same(const u8 *a, const u8 *b, u32 n) {
  for (; n > 16; n -= 16, a += 16, b += 16)
    if (bits((v16)(load(a) == load(b))) != 0xffff) return 0;
  return (~bits((v16)(load(a) == load(b))) & (0xffffu >> (16 - n))) == 0;
}

// The first byte that ends a text: its closing quote, or what makes it doubtful.
static inline const u8 *textEnd(const u8 *p) {
  for (;; p += 16) {
    v16 v = load(p);
    u32 mask = bits((v16)(v == '"') | (v16)(v == '\\') | (v16)(v < 32));
    if (mask) return p + __builtin_ctz(mask);
  }
}

static const u8 MASKS[64] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                             255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

typedef struct {
  v16 low, high;
} Chunk;

// The first n bytes at p, n <= CHUNK, and zeros behind them.
static inline Chunk chunk(const u8 *p, u32 n) {
  return (Chunk){load(p) & load(MASKS + CHUNK - n), load(p + 16) & load(MASKS + CHUNK + 16 - n)};
}

static inline u64 mix(u64 h, Chunk c, u64 factor) {
  v2 low = (v2)c.low, high = (v2)c.high;
  u64 even = low[0] + high[0] * 0xc4ceb9fe1a85ec53ull;
  u64 odd = low[1] + high[1] * 0x9ae16a3b2f90404full;
  return ((h ^ even) + odd * 0xff51afd7ed558ccdull) * factor;
}

static inline u32 hashOf(const u8 *p, u32 n, u64 factor) {
  u64 h = 0;
  for (; n > CHUNK; n -= CHUNK, p += CHUNK) {
    h = mix(h, chunk(p, CHUNK), factor);
    h ^= h >> 32;
  }
  return (u32)(mix(h, chunk(p, n), factor) >> 32);
}

__attribute__((noinline)) static const Entry *find(const u8 *plan, const Table *table, const u8 *text, u32 n) {
  const u32 *slots = (const u32 *)(plan + table->slots);
  for (u32 at = hashOf(text, n, table->factor);; at++) {
    u32 offset = slots[at & table->mask];
    if (!offset) return 0;
    const Entry *entry = (const Entry *)(plan + offset);
    if (entry->length == n && same(text, (const u8 *)(entry + 1), n)) return entry;
  }
}

// Fills the slots of a table. @returns how many entries do not stand at their first place
EXPORT("place") u32 place(u8 *plan, Table *table) {
  u32 *slots = (u32 *)(plan + table->slots);
  for (u32 i = 0; i <= table->mask; i++) slots[i] = 0;
  u32 moved = 0;
  u32 offset = table->entries;
  for (u32 i = 0; i < table->count; i++) {
    const Entry *entry = (const Entry *)(plan + offset);
    u32 at = hashOf((const u8 *)(entry + 1), entry->length, table->factor);
    if (slots[at & table->mask]) moved++;
    while (slots[at & table->mask]) at++;
    slots[at & table->mask] = offset;
    offset += sizeof(Entry) + (entry->length ? (entry->length + CHUNK - 1) & ~(CHUNK - 1u) : CHUNK);
  }
  return moved;
}

static inline void multiply(u64 a, u64 b, u64 *high, u64 *low) {
  u64 al = (u32)a, ah = a >> 32, bl = (u32)b, bh = b >> 32;
  u64 ll = al * bl, lh = al * bh, hl = ah * bl;
  u64 middle = (ll >> 32) + (u32)lh + (u32)hl;
  *low = middle << 32 | (u32)ll;
  *high = ah * bh + (lh >> 32) + (hl >> 32) + (middle >> 32);
}

// digits * 10^q, correctly rounded (Lemire, "Number parsing at a gigabyte per second", 2021), or a NaN where that is open.
static double eiselLemire(u64 digits, i32 q) {
  if (digits == 0) return 0;
  i32 zeros = __builtin_clzll(digits);
  digits <<= zeros;
  const u64 *power = powers[q - LEAST_POWER];
  u64 high, low;
  multiply(digits, power[0], &high, &low);
  if ((high & 0x1ff) == 0x1ff) {
    u64 more, rest;
    multiply(digits, power[1], &more, &rest);
    low += more;
    if (low < more) high++;
  }
  if (low == ~0ull) return __builtin_nan("");
  i32 upper = (i32)(high >> 63);
  i32 shift = upper + 9;
  u64 mantissa = high >> shift;
  i32 exponent = ((217706 * q) >> 16) + 63 + upper - zeros + 1023;
  if (exponent <= 0) return __builtin_nan("");
  // Exactly between two numbers: to the even one.
  if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) mantissa &= ~1ull;
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >= 2ull << 52) {
    mantissa = 1ull << 52;
    exponent++;
  }
  if (exponent >= 0x7ff) return __builtin_nan("");
  u64 word = (mantissa & ~(1ull << 52)) | (u64)exponent << 52;
  double value;
  __builtin_memcpy(&value, &word, 8);
  return value;
}

// How many digits stand at p: at most 16 are counted.
static inline u32 digitsAt(const u8 *p) {
  return (u32)__builtin_ctz(~bits((v16)((v16)(load(p) - '0') < 10)));
}

// 1 to 8 digits at once.
static inline u32 readDigits(const u8 *p, u32 n) {
  u64 v = (load64(p) - 0x3030303030303030ull) << (64 - 8 * n);
  v = v * 10 + (v >> 8);
  return (u32)(((v & 0xff000000ffull) * 0xf424000000064ull + (v >> 16 & 0xff000000ffull) * 0x271000000001ull) >> 32);
}

// A number of any length. p stands on its first byte. @returns behind it, or 0 where there is none
__attribute__((noinline)) static const u8 *anyNumber(const u8 *p, double *value) {
  const u8 *start = p;
  int minus = *p == '-';
  p += minus;
  u64 m = 0;
  u32 c = (u32)*p - '0';
  if (c > 9) return 0;
  const u8 *first = p;
  if (c == 0) {
    if ((u32)*++p - '0' <= 9) return 0;
  } else {
    do {
      m = m * 10 + c;
      c = (u32)*++p - '0';
    } while (c <= 9);
  }
  u32 n = (u32)(p - first);
  i32 e = 0;
  if (*p == '.') {
    const u8 *fraction = ++p;
    c = (u32)*p - '0';
    if (c > 9) return 0;
    // Zeros before the first digit that counts.
    if (m == 0)
      while (c == 0) c = (u32)*++p - '0';
    const u8 *counts = p;
    while (c <= 9) {
      m = m * 10 + c;
      c = (u32)*++p - '0';
    }
    e = -(i32)(p - fraction);
    n += (u32)(p - counts);
  }
  if ((*p | 32) == 'e') {
    p++;
    int negative = *p == '-';
    if (negative || *p == '+') p++;
    c = (u32)*p - '0';
    if (c > 9) return 0;
    i32 x = 0;
    do {
      if (x < 100000) x = x * 10 + (i32)c;
      c = (u32)*++p - '0';
    } while (c <= 9);
    e += negative ? -x : x;
  }
  double v;
  // Both are exact as doubles, so the result is rounded once (Clinger, 1990).
  if (n <= 19 && m <= 1ull << 53 && e >= -22 && e <= 22) {
    v = (double)(i64)m;
    v = e < 0 ? v / TENS[-e] : v * TENS[e];
  } else {
    v = n <= 19 && e >= LEAST_POWER && e <= MOST_POWER ? eiselLemire(m, e) : __builtin_nan("");
    if (v != v) {
      *value = readNumber(start, (u32)(p - start));
      return p;
    }
  }
  *value = minus ? -v : v;
  return p;
}

// As anyNumber, without a branch on the number of digits where there are at most 8 before the point and 8 behind it.
static inline const u8 *number(const u8 *p, double *value) {
  int minus = *p == '-';
  const u8 *at = p + minus;
  u32 n = digitsAt(at);
  if (n - 1 > 7 || (*at == '0' && n > 1)) return anyNumber(p, value);
  double v = readDigits(at, n);
  at += n;
  if (*at == '.') {
    u32 more = digitsAt(++at);
    // With 15 digits each step is exact, and the division rounds once.
    if (more - 1 > 7 || n + more > 15) return anyNumber(p, value);
    v = (v * TENS[more] + readDigits(at, more)) / TENS[more];
    at += more;
  }
  if ((*at | 32) == 'e') return anyNumber(p, value);
  *value = minus ? -v : v;
  return at;
}

static inline int isWord(const u8 *p, const char *word, u32 n) {
  for (u32 i = 0; i < n; i++)
    if (p[i] != (u8)word[i]) return 0;
  return 1;
}

static inline void write(const u8 *plan, const Entry *entry, float *out) {
  out[entry->feature] = entry->value;
  if (__builtin_expect(entry->count == 0, 1)) return;
  const Write *writes = (const Write *)(plan + entry->writes);
  for (u32 i = 0; i < entry->count; i++) out[writes[i].feature] = writes[i].value;
}

// A text that the table lacks, or that is no category: noted for the caller, where the column takes it.
__attribute__((noinline)) static const Entry *unusual(Run *run, const Column *column, const Entry *entry, const u8 *from,
                                                      u32 n, u32 row) {
  const u8 *plan = run->plan;
  if (entry && entry->flags & RESERVED) return 0;
  if (!column->other || run->unknownCount == run->maxUnknown) return 0;
  u32 at = (u32)(column - (const Column *)(plan + ((const Plan *)plan)->columns));
  run->unknown[run->unknownCount++] = (Unknown){row, at, (u32)(from - run->body), n};
  return entry ? entry : (const Entry *)(plan + column->other);
}

// @returns whether the column takes the text from p to end
static inline int writeText(Run *run, const Column *column, const u8 *p, const u8 *end, u32 row, float *out) {
  u32 n = (u32)(end - p);
  const Entry *entry = find(run->plan, (const Table *)(run->plan + column->table), p, n);
  if (!entry || entry->flags != KNOWN) entry = unusual(run, column, entry, p, n, row);
  if (!entry) return 0;
  write(run->plan, entry, out);
  return 1;
}

// p stands behind the opening quote. @returns behind the text, or 0
__attribute__((noinline)) static const u8 *anyText(Run *run, const Column *column, const u8 *p, u32 row, float *out) {
  const u8 *end = textEnd(p);
  return *end == '"' && writeText(run, column, p, end, row, out) ? end + 1 : 0;
}

// The entry of a known text of n < CHUNK bytes that stands at its first place, or 0. No entry holds a backslash or a control
// character, so the comparison covers them. At offset 0 is no entry, and a number larger than any length here.
INLINE const Entry *known(const u8 *plan, const Column *column, const u8 *p, u32 n) {
  Chunk c = chunk(p, n);
  const Table *table = (const Table *)(plan + column->table);
  u32 slot = (u32)(mix(0, c, table->factor) >> 32) & table->mask;
  const Entry *entry = (const Entry *)(plan + ((const u32 *)(plan + table->slots))[slot]);
  const u8 *text = (const u8 *)(entry + 1);
  u32 equal = bits((v16)(c.low == load(text)) & (v16)(c.high == load(text + 16)));
  return equal == 0xffff && load64((const u8 *)entry) == ((u64)KNOWN << 32 | n) ? entry : 0;
}

// @returns behind the text, or 0
INLINE const u8 *text(Run *run, const Column *column, const u8 *p, u32 row, float *out) {
  const u8 *plan = run->plan;
  if (__builtin_expect(*p != '"', 0)) {
    if (!(column->flags & NULLABLE) || !isWord(p, "null", 4)) return 0;
    write(plan, (const Entry *)(plan + column->null), out);
    return p + 4;
  }
  p++;
  u32 quotes = bits((v16)(load(p) == '"')) | bits((v16)(load(p + 16) == '"')) << 16;
  if (!quotes) return anyText(run, column, p, row, out);
  u32 n = (u32)__builtin_ctz(quotes);
  const Entry *entry = known(plan, column, p, n);
  if (!entry) return anyText(run, column, p, row, out);
  write(plan, entry, out);
  return p + n + 1;
}

// @returns behind a number that a column takes, or 0
__attribute__((noinline)) static const u8 *checkedNumber(const Column *column, const u8 *p, float *out, double *aside) {
  double value;
  p = number(p, &value);
  if (!p || !(value >= column->least && value <= column->most)) return 0;
  if (column->flags & WHOLE && __builtin_trunc(value) != value) return 0;
  if (column->flags & SINGLE && (double)(float)value != value) return 0;
  if (column->flags & ASIDE)
    aside[column->to] = value;
  else
    out[column->to] = (float)value;
  return p;
}

// @returns behind null, true or false where a column takes it, or 0
__attribute__((noinline)) static const u8 *word(const Column *column, const u8 *p, float *out, double *aside) {
  double value;
  float single;
  if (*p == 'n') {
    if (!(column->flags & NULLABLE) || !isWord(p, "null", 4)) return 0;
    value = __builtin_nan("");
    single = column->missing;
    p += 4;
  } else {
    int isTrue = *p == 't';
    if (column->kind != BOOLEAN || !(isTrue ? isWord(p, "true", 4) : isWord(p, "false", 5))) return 0;
    value = single = (float)isTrue;
    p += isTrue ? 4 : 5;
  }
  if (column->flags & ASIDE)
    aside[column->to] = value;
  else
    out[column->to] = single;
  return p;
}

// @returns behind the cell, or 0
INLINE const u8 *cell(Run *run, const Column *column, const u8 *p, u32 row, float *out, double *aside) {
  if (column->kind == TEXT) return text(run, column, p, row, out);
  if (*p >= 'a' || column->kind == BOOLEAN) return word(column, p, out, aside);
  if (column->flags & (SINGLE | ASIDE)) return checkedNumber(column, p, out, aside);
  // A whole number of few digits is within all bounds.
  u32 n = digitsAt(p);
  u8 after = p[n];
  if (n - 1 > 7 || after == '.' || (after | 32) == 'e' || (*p == '0' && n > 1)) return checkedNumber(column, p, out, aside);
  out[column->to] = (float)(i32)readDigits(p, n);
  return p + n;
}

// p stands behind the opening quote. @returns behind the closing one, or 0; @param guess the column that likely comes
static inline const u8 *name(const Run *run, const u8 *p, u32 guess, u32 *found) {
  const u8 *plan = run->plan;
  const Plan *head = (const Plan *)plan;
  if (guess < head->count) {
    const Column *column = (const Column *)(plan + head->columns) + guess;
    if (same(p, plan + column->name, column->nameLength)) {
      *found = guess;
      return p + column->nameLength;
    }
  }
  const u8 *end = textEnd(p);
  if (*end != '"') return 0;
  const Entry *entry = find(plan, (const Table *)(plan + head->names), p, (u32)(end - p));
  if (!entry) return 0;
  *found = entry->feature;
  return end + 1;
}

static inline const u8 *list(Run *run, const u8 *p, u32 row, float *out, double *aside) {
  const Plan *plan = (const Plan *)run->plan;
  const Column *columns = (const Column *)(run->plan + plan->columns);
  if (*p++ != '[') return 0;
  for (u32 k = 0;;) {
    if (*p <= ' ') p = space(p);
    p = cell(run, columns + run->order[k], p, row, out, aside);
    if (!p) return 0;
    if (*p <= ' ') p = space(p);
    if (++k == plan->count) return *p == ']' ? p + 1 : 0;
    if (*p++ != ',') return 0;
  }
}

// Each column once, in any order.
static inline const u8 *record(Run *run, const u8 *p, u32 row, float *out, double *aside) {
  const Plan *plan = (const Plan *)run->plan;
  const Column *columns = (const Column *)(run->plan + plan->columns);
  if (*p++ != '{') return 0;
  u32 column = ~0u;
  for (u32 k = 0;;) {
    if (*p <= ' ') p = space(p);
    if (*p++ != '"') return 0;
    p = name(run, p, column + 1, &column);
    if (!p || run->seen[column] == row + 1) return 0;
    run->seen[column] = row + 1;
    if (*p <= ' ') p = space(p);
    if (*p++ != ':') return 0;
    if (*p <= ' ') p = space(p);
    p = cell(run, columns + column, p, row, out, aside);
    if (!p) return 0;
    if (*p <= ' ') p = space(p);
    if (++k == plan->count) return *p == '}' ? p + 1 : 0;
    if (*p++ != ',') return 0;
  }
}

// Zeros for a row, and for up to 3 floats behind it, which an entry may write too: the next row is cleared after it.
static inline void clear(float *out, u32 features) {
  v16 zeros = {0};
  u32 i = 0;
  for (; i + 16 <= features; i += 16)
    for (u32 k = 0; k < 16; k += 4) __builtin_memcpy(out + i + k, &zeros, 16);
  for (; i < features; i += 4) __builtin_memcpy(out + i, &zeros, 16);
}

// p stands behind the bracket that opens the list. @returns behind the one that closes it, or 0
static const u8 *rowsOf(Run *run, const u8 *p, int byName) {
  if (byName) run->shape |= BY_NAME;
  const Plan *plan = (const Plan *)run->plan;
  float *out = run->out;
  double *aside = run->aside;
  for (u32 at = 0;;) {
    p = space(p);
    if (at == run->maxRows) return 0;
    run->starts[at] = (u32)(p - run->body);
    clear(out, plan->features);
    run->rows = at + 1;
    p = byName ? record(run, p, at, out, aside) : list(run, p, at, out, aside);
    if (!p) return 0;
    out += plan->features;
    aside += plan->aside;
    run->starts[++at] = (u32)(p - run->body);
    p = space(p);
    if (*p == ',') {
      p++;
      continue;
    }
    return *p == ']' ? p + 1 : 0;
  }
}

// `{"columns": [...], "index": [...], "data": [...]}`; p stands on the first quote. The index may hold numbers only.
static const u8 *split(Run *run, const u8 *p) {
  u32 count = ((const Plan *)run->plan)->count;
  p = space(p + 9);
  if (*p++ != ':') return 0;
  p = space(p);
  if (*p++ != '[') return 0;
  for (u32 k = 0;;) {
    p = space(p);
    if (*p++ != '"') return 0;
    u32 column;
    p = name(run, p, k, &column);
    if (!p || run->seen[column]) return 0;
    run->seen[column] = 1;
    run->order[k] = column;
    if (column != k) run->shape |= MOVED;
    p = space(p);
    if (++k == count) break;
    if (*p++ != ',') return 0;
  }
  if (*p++ != ']') return 0;
  i32 indexed = -1;
  int hasRows = 0;
  for (;;) {
    p = space(p);
    if (*p == '}') break;
    if (*p++ != ',') return 0;
    p = space(p);
    int isIndex = isWord(p, "\"index\"", 7);
    if (isIndex ? indexed >= 0 : hasRows || !isWord(p, "\"data\"", 6)) return 0;
    p = space(p + (isIndex ? 7 : 6));
    if (*p++ != ':') return 0;
    p = space(p);
    if (*p++ != '[') return 0;
    if (!isIndex) {
      p = rowsOf(run, p, 0);
      if (!p) return 0;
      hasRows = 1;
      continue;
    }
    for (indexed = 1;; indexed++) {
      double value;
      p = number(space(p), &value);
      if (!p) return 0;
      p = space(p);
      if (*p == ']') break;
      if (*p++ != ',') return 0;
    }
    p++;
  }
  return hasRows && (indexed < 0 || (u32)indexed == run->rows) ? p + 1 : 0;
}

// `{"instances": [...]}`, objects or lists in the order of the signature; or for MLflow an object of one of its forms.
// p stands behind the brace.
static const u8 *wrapped(Run *run, const u8 *p) {
  p = space(p);
  int isMlflow = run->form == MLFLOW;
  if (isMlflow && isWord(p, "\"columns\"", 9)) return split(run, p);
  int isSplit = isMlflow && isWord(p, "\"dataframe_split\"", 17);
  int isRecords = isMlflow && isWord(p, "\"dataframe_records\"", 19);
  if (!isSplit && !isRecords && !isWord(p, "\"instances\"", 11)) return 0;
  p = space(p + (isSplit ? 17 : isRecords ? 19 : 11));
  if (*p++ != ':') return 0;
  p = space(p);
  if (*p++ != (isSplit ? '{' : '[')) return 0;
  p = space(p);
  if (isSplit) {
    if (!isWord(p, "\"columns\"", 9)) return 0;
    p = split(run, p);
  } else {
    u32 count = ((const Plan *)run->plan)->count;
    for (u32 k = 0; k < count; k++) run->order[k] = k;
    p = rowsOf(run, p, isRecords || *p == '{');
  }
  if (!p) return 0;
  p = space(p);
  return *p == '}' ? p + 1 : 0;
}

// One row, `{"age": 25, ...}`.
static const u8 *alone(Run *run, const u8 *p) {
  run->starts[0] = (u32)(p - run->body);
  clear(run->out, ((const Plan *)run->plan)->features);
  p = record(run, p, 0, run->out, run->aside);
  if (!p) return 0;
  run->starts[1] = (u32)(p - run->body);
  run->rows = 1;
  run->shape = ALONE | BY_NAME;
  return p;
}

static const u8 *native(Run *run, const u8 *p) {
  if (*p == '[') return rowsOf(run, p + 1, 1);
  if (*p != '{') return 0;
  const u8 *key = space(p + 1);
  return isWord(key, "\"columns\"", 9) ? split(run, key) : alone(run, p);
}

// CSV: lines of cells, behind a header that the caller has read.

// The bytes that end a cell without quotes, or make it doubtful.
INLINE u32 marks(v16 v, u8 delimiter) {
  return bits((v16)(v == delimiter) | (v16)(v == '"') | (v16)(v == '\\') | (v16)(v < 32));
}

static inline const u8 *bareEnd(const u8 *p, u8 delimiter) {
  for (;; p += 16) {
    u32 mask = marks(load(p), delimiter);
    if (mask) return p + __builtin_ctz(mask);
  }
}

__attribute__((noinline)) static const u8 *anyBareText(Run *run, const Column *column, const u8 *p, u32 row, float *out) {
  const u8 *end = bareEnd(p, (u8)run->delimiter);
  return writeText(run, column, p, end, row, out) ? end : 0;
}

// An empty cell, with quotes or without, is null.
__attribute__((noinline)) static const u8 *emptyOrQuoted(Run *run, const Column *column, const u8 *p, u32 row, float *out) {
  if (*p == '"' && p[1] != '"') return text(run, column, p, row, out);
  if (!(column->flags & NULLABLE)) return 0;
  write(run->plan, (const Entry *)(run->plan + column->null), out);
  return *p == '"' ? p + 2 : p;
}

// @returns behind the cell, or 0
INLINE const u8 *bareText(Run *run, const Column *column, const u8 *p, u32 row, float *out) {
  u8 delimiter = (u8)run->delimiter;
  u32 mask = marks(load(p), delimiter) | marks(load(p + 16), delimiter) << 16;
  if (!mask) return anyBareText(run, column, p, row, out);
  u32 n = (u32)__builtin_ctz(mask);
  if (n == 0) return emptyOrQuoted(run, column, p, row, out);
  const Entry *entry = known(run->plan, column, p, n);
  if (!entry) return anyBareText(run, column, p, row, out);
  write(run->plan, entry, out);
  return p + n;
}

// Whether a number's text has no fraction: its value may have lost one.
static int isWhole(const u8 *p, const u8 *end) {
  while (p < end && *p != '.' && (*p | 32) != 'e') p++;
  if (p < end && *p == '.') p++;
  while (p < end && *p == '0') p++;
  return p == end;
}

// @returns behind a number that a column takes, or 0
static inline const u8 *csvNumber(const Column *column, const u8 *p, double *value) {
  const u8 *end = number(p, value);
  if (!end || !(*value >= column->least && *value <= column->most)) return 0;
  if (column->flags & WHOLE && !isWhole(p, end)) return 0;
  if (column->flags & SINGLE && (double)(float)*value != *value) return 0;
  return end;
}

// As csvNumber, for numbers with a decimal comma. @param commas how many belong to the cell: none where cells end at them
__attribute__((noinline)) static const u8 *commaNumber(const Run *run, const Column *column, const u8 *p, i32 commas,
                                                       double *value) {
  enum { COPIED = 40 };
  u8 copy[COPIED + PAD] = {0};
  for (u32 n = 0;; n++) {
    u8 c = p[n];
    if (c == '.' || n == COPIED) return 0;
    if (c == ',' && commas-- > 0)
      c = '.';
    else if (c <= ' ' || c == '"' || c == run->delimiter)
      break;
    copy[n] = c;
  }
  const u8 *end = csvNumber(column, copy, value);
  return end ? p + (end - copy) : 0;
}

static const u8 *csvBoolean(const u8 *p, double *value) {
  int isTrue = (*p | 32) == 't';
  *value = isTrue;
  if (isTrue) return isWord(p, "true", 4) || isWord(p, "True", 4) || isWord(p, "TRUE", 4) ? p + 4 : 0;
  return isWord(p, "false", 5) || isWord(p, "False", 5) || isWord(p, "FALSE", 5) ? p + 5 : 0;
}

// A number or boolean in quotes or between spaces, or none. @returns behind the cell, or 0
__attribute__((noinline)) static const u8 *anyBareNumber(const Run *run, const Column *column, const u8 *p, float *out,
                                                         double *aside) {
  int isQuoted = *p == '"';
  p += isQuoted;
  while (*p == ' ') p++;
  double value;
  float single;
  if (isQuoted ? *p == '"' : *p == run->delimiter || *p < ' ') {
    if (!(column->flags & NULLABLE)) return 0;
    value = __builtin_nan("");
    single = column->missing;
  } else {
    if (column->kind == BOOLEAN)
      p = csvBoolean(p, &value);
    else if (run->decimal == ',')
      p = commaNumber(run, column, p, isQuoted || run->delimiter != ',', &value);
    else
      p = csvNumber(column, p, &value);
    if (!p) return 0;
    single = (float)value;
  }
  if (column->flags & ASIDE)
    aside[column->to] = value;
  else
    out[column->to] = single;
  while (*p == ' ') p++;
  if (isQuoted && *p++ != '"') return 0;
  return p;
}

// @returns behind the cell, or 0
INLINE const u8 *bareNumber(const Run *run, const Column *column, const u8 *p, float *out, double *aside) {
  u32 n = digitsAt(p);
  u8 after = p[n];
  if (column->kind == BOOLEAN || column->flags & (SINGLE | ASIDE) || n - 1 > 7 || (*p == '0' && n > 1) ||
      (after != run->delimiter && after > '\r'))
    return anyBareNumber(run, column, p, out, aside);
  out[column->to] = (float)(i32)readDigits(p, n);
  return p + n;
}

// A cell that belongs to no column. @returns behind it, or 0
__attribute__((noinline)) static const u8 *besideColumns(const Run *run, const u8 *p, u32 place, u32 row) {
  if (place == INDEX) {
    u32 n = digitsAt(p);
    return n - 1 > 7 || (*p == '0' && n > 1) || readDigits(p, n) != run->index + row ? 0 : p + n;
  }
  if (*p != '"') return bareEnd(p, (u8)run->delimiter);
  p = textEnd(p + 1);
  return *p == '"' ? p + 1 : 0;
}

static inline const u8 *csvRow(Run *run, const u8 *p, u32 row, float *out, double *aside) {
  const Plan *plan = (const Plan *)run->plan;
  const Column *columns = (const Column *)(run->plan + plan->columns);
  for (u32 k = 0;;) {
    u32 place = run->order[k];
    if (place < plan->count) {
      const Column *column = columns + place;
      p = column->kind == TEXT ? bareText(run, column, p, row, out) : bareNumber(run, column, p, out, aside);
    } else {
      p = besideColumns(run, p, place, row);
    }
    if (!p) return 0;
    if (++k == run->width) return p;
    if (*p++ != run->delimiter) return 0;
  }
}

// @returns behind the end of a line, p where there is none
static inline const u8 *lineEnd(const u8 *p, const u8 *end) {
  if (*p == '\n') return p + 1;
  if (*p != '\r') return p;
  return p[1] == '\n' ? p + 2 : p + 1 == end ? end : p;
}

// @returns whether all lines were taken
static int csv(Run *run) {
  const Plan *plan = (const Plan *)run->plan;
  const u8 *p = run->body, *end = p + run->length;
  float *out = run->out;
  double *aside = run->aside;
  u32 at = 0, lines = 0;
  while (p != end) {
    const u8 *next = lineEnd(p, end);
    if (next == p) {
      if (at == run->maxRows) return 0;
      run->starts[at] = (u32)(p - run->body);
      clear(out, plan->features);
      p = csvRow(run, p, at, out, aside);
      run->rows = at + 1;
      if (!p) return 0;
      at++;
      out += plan->features;
      aside += plan->aside;
      next = lineEnd(p, end);
      if (next == p && p != end) return 0;
    }
    p = next;
    lines++;
  }
  run->starts[at] = run->length;
  run->lines = lines;
  return at > 0;
}

// Tensors of the Open Inference Protocol.

enum { INTEGER_TYPE, FLOAT_TYPE, BOOL_TYPE, BYTES_TYPE };

// `bytes` are those of an element in binary data. JSON's integers of up to `digits` digits are certainly values of it.
typedef struct {
  u8 name[7], length;
  u8 kind, bytes, isSigned, digits;
  double least, end;
} Type;

static const Type TYPES[] = {
    {"INT8\"", 5, INTEGER_TYPE, 1, 1, 2, -0x1p7, 0x1p7},     {"INT16\"", 6, INTEGER_TYPE, 2, 1, 4, -0x1p15, 0x1p15},
    {"INT32\"", 6, INTEGER_TYPE, 4, 1, 8, -0x1p31, 0x1p31},  {"INT64\"", 6, INTEGER_TYPE, 8, 1, 8, -0x1p63, 0x1p63},
    {"UINT8\"", 6, INTEGER_TYPE, 1, 0, 2, 0, 0x1p8},         {"UINT16\"", 7, INTEGER_TYPE, 2, 0, 4, 0, 0x1p16},
    {"UINT32\"", 7, INTEGER_TYPE, 4, 0, 8, 0, 0x1p32},       {"UINT64\"", 7, INTEGER_TYPE, 8, 0, 8, 0, 0x1p64},
    {"FP32\"", 5, FLOAT_TYPE, 4, 1, 7, 0, 0},                {"FP64\"", 5, FLOAT_TYPE, 8, 1, 8, 0, 0},
    {"BOOL\"", 5, BOOL_TYPE, 1, 0, 0, 0, 0},                 {"BYTES\"", 6, BYTES_TYPE, 0, 0, 0, 0, 0},
};

static inline int fits(const Type *type, const Column *column) {
  return column->kind == TEXT      ? type->kind == BYTES_TYPE
         : column->kind == BOOLEAN ? type->kind == BOOL_TYPE
                                   : type->kind <= FLOAT_TYPE;
}

// @returns whether the column takes the number
static inline int put(const Column *column, double value, float *out, double *aside) {
  if (!(value >= column->least && value <= column->most)) return 0;
  if (column->flags & WHOLE && __builtin_trunc(value) != value) return 0;
  if (column->flags & SINGLE && (double)(float)value != value) return 0;
  if (column->flags & ASIDE)
    aside[column->to] = value;
  else
    out[column->to] = (float)value;
  return 1;
}

static inline int putNone(const Column *column, float *out, double *aside) {
  if (!(column->flags & NULLABLE)) return 0;
  if (column->flags & ASIDE)
    aside[column->to] = __builtin_nan("");
  else
    out[column->to] = column->missing;
  return 1;
}

// @returns behind an element of JSON, or 0
INLINE const u8 *element(Run *run, const Column *column, const Type *type, const u8 *p, u32 row, float *out,
                         double *aside) {
  if (column->kind == TEXT) {
    // An entry may write a zero behind the row: the next row is there already.
    float *behind = out + ((const Plan *)run->plan)->features, kept = *behind;
    p = text(run, column, p, row, out);
    *behind = kept;
    return p;
  }
  if (*p >= 'a' || column->kind == BOOLEAN) return word(column, p, out, aside);
  u32 n = digitsAt(p);
  u8 after = p[n];
  if (!(column->flags & (SINGLE | ASIDE)) && n - 1 < type->digits && after != '.' && (after | 32) != 'e' &&
      (*p != '0' || n == 1)) {
    out[column->to] = (float)(i32)readDigits(p, n);
    return p + n;
  }
  double value;
  p = number(p, &value);
  if (!p) return 0;
  if (type->kind == INTEGER_TYPE) {
    if (!(value >= type->least && value < type->end) || __builtin_trunc(value) != value) return 0;
  } else if (type->bytes == 4 && (double)(float)value != value) {
    // A fraction is rounded to the type; an integer is refused.
    if (__builtin_trunc(value) == value) return 0;
    value = (float)value;
  }
  return put(column, value, out, aside) ? p : 0;
}

// The flat elements of a tensor of this many columns, from the bracket on. @returns behind it, or 0
static const u8 *elements(Run *run, const Column *first, u32 width, const Type *type, const u8 *p, u32 rows) {
  const Plan *plan = (const Plan *)run->plan;
  float *out = run->out;
  double *aside = run->aside;
  if (*p++ != '[') return 0;
  for (u32 row = 0;;) {
    for (u32 k = 0;;) {
      if (*p <= ' ') p = space(p);
      p = element(run, first + k, type, p, row, out, aside);
      if (!p) return 0;
      if (*p <= ' ') p = space(p);
      if (++k == width) break;
      if (*p++ != ',') return 0;
    }
    if (++row == rows) return *p == ']' ? p + 1 : 0;
    if (*p++ != ',') return 0;
    out += plan->features;
    aside += plan->aside;
  }
}

// A text that the table may lack because JSON can't hold it as it is.
static inline int isPlain(const u8 *p, u32 n) {
  for (u32 i = 0; i < n; i++)
    if (p[i] < 32 || p[i] == '"' || p[i] == '\\') return 0;
  return 1;
}

static inline double binaryInteger(const Type *type, const u8 *p) {
  u64 v = load64(p);
  u32 unused = 64 - 8 * type->bytes;
  return type->isSigned ? (double)((i64)(v << unused) >> unused) : (double)(v << unused >> unused);
}

// @returns behind an element of binary data, of which `left` bytes are left, or 0
INLINE const u8 *binaryElement(Run *run, const Column *column, const Type *type, const u8 *p, u32 left, u32 row, float *out,
                               double *aside) {
  if (type->kind == BYTES_TYPE) {
    u32 n = (u32)load64(p);
    if (left < 4 || n > left - 4) return 0;
    p += 4;
    float *behind = out + ((const Plan *)run->plan)->features, kept = *behind;
    const Entry *entry = n < CHUNK ? known(run->plan, column, p, n) : 0;
    if (entry)
      write(run->plan, entry, out);
    else if (!isPlain(p, n) || !writeText(run, column, p, p + n, row, out))
      return 0;
    *behind = kept;
    return p + n;
  }
  if (left < type->bytes) return 0;
  double value;
  if (type->kind == FLOAT_TYPE) {
    float single;
    if (type->bytes == 4) {
      __builtin_memcpy(&single, p, 4);
      value = single;
    } else
      __builtin_memcpy(&value, p, 8);
    if (value != value) return putNone(column, out, aside) ? p + type->bytes : 0;
  } else {
    value = binaryInteger(type, p);
    if (type->kind == BOOL_TYPE && value > 1) return 0;
  }
  return put(column, value, out, aside) ? p + type->bytes : 0;
}

// As `elements`, in binary data of this size. @returns behind them, or 0
static const u8 *binaryElements(Run *run, const Column *first, u32 width, const Type *type, const u8 *p, u32 size,
                                u32 rows) {
  const Plan *plan = (const Plan *)run->plan;
  const u8 *end = p + size;
  float *out = run->out;
  double *aside = run->aside;
  for (u32 row = 0; row < rows; row++, out += plan->features, aside += plan->aside)
    for (u32 k = 0; k < width; k++) {
      p = binaryElement(run, first + k, type, p, (u32)(end - p), row, out, aside);
      if (!p) return 0;
    }
  return p == end ? p : 0;
}

// A whole number of up to 8 digits. @returns behind it, or 0
static const u8 *size(const u8 *p, u32 *value) {
  u32 n = digitsAt(p);
  if (n - 1 > 7 || (*p == '0' && n > 1)) return 0;
  *value = readDigits(p, n);
  p += n;
  return *p == '.' || (*p | 32) == 'e' ? 0 : space(p);
}

// `[rows]` or `[rows, width]`. @returns behind it, or 0
static const u8 *shapeOf(const u8 *p, u32 *rows, u32 *width) {
  if (*p != '[') return 0;
  p = size(space(p + 1), rows);
  if (!p) return 0;
  *width = 1;
  if (*p == ',') {
    p = size(space(p + 1), width);
    if (!p) return 0;
  }
  return *p == ']' ? p + 1 : 0;
}

// `{"binary_data_size": 123}`. @returns behind it, or 0
static const u8 *binarySize(const u8 *p, u32 *bytes) {
  if (*p != '{') return 0;
  p = space(p + 1);
  if (!isWord(p, "\"binary_data_size\"", 18)) return 0;
  p = space(p + 18);
  if (*p != ':') return 0;
  p = size(space(p + 1), bytes);
  return p && *p == '}' ? p + 1 : 0;
}

// Zeros for all rows, which tensors fill column by column.
static int begin(Run *run, u32 rows) {
  if (rows == 0 || rows > run->maxRows) return 0;
  u32 features = ((const Plan *)run->plan)->features;
  for (u32 row = 0; row < rows; row++) clear(run->out + row * features, features);
  run->rows = rows;
  return 1;
}

// A tensor of one column, or the only one, of all; p stands behind its brace. Its name, shape and datatype stand in front
// of its data. @returns behind it, or 0
static const u8 *tensor(Run *run, const u8 *p, u32 at, const u8 **binary) {
  enum { NAME = 1, SHAPE = 2, DATATYPE = 4, DATA = 8 };
  const Plan *plan = (const Plan *)run->plan;
  const Column *columns = (const Column *)(run->plan + plan->columns);
  const Type *type = 0;
  u32 column = 0, rows = 0, width = 0, found = 0;
  for (;;) {
    p = space(p);
    u32 key = isWord(p, "\"name\"", 6)         ? NAME
              : isWord(p, "\"shape\"", 7)      ? SHAPE
              : isWord(p, "\"datatype\"", 10)  ? DATATYPE
              : isWord(p, "\"data\"", 6)       ? DATA
              : isWord(p, "\"parameters\"", 12) ? DATA
                                               : 0;
    if (!key || found & key) return 0;
    int isBinary = p[1] == 'p';
    p = space(p + (key == NAME ? 6 : key == SHAPE ? 7 : key == DATATYPE ? 10 : isBinary ? 12 : 6));
    if (*p++ != ':') return 0;
    p = space(p);
    found |= key;
    if (key == NAME) {
      if (*p++ != '"') return 0;
      const u8 *end = name(run, p, at, &column);
      if (!end) {
        column = plan->count;
        for (end = p; *end != '"'; end++)
          if (*end < 32 || *end > 126 || *end == '\\') return 0;
        if (find(run->plan, (const Table *)(run->plan + plan->names), p, (u32)(end - p))) return 0;
        end++;
      }
      p = end;
    } else if (key == SHAPE) {
      p = shapeOf(p, &rows, &width);
      if (!p) return 0;
    } else if (key == DATATYPE) {
      if (*p++ != '"') return 0;
      for (u32 k = 0; k < sizeof(TYPES) / sizeof(Type); k++)
        if (isWord(p, (const char *)TYPES[k].name, TYPES[k].length)) type = TYPES + k;
      if (!type) return 0;
      p += type->length;
    } else {
      if (found != (NAME | SHAPE | DATATYPE | DATA)) return 0;
      int isMatrix = column == plan->count;
      if (isMatrix ? at > 0 || plan->count < 2 || width != plan->count : width != 1) return 0;
      if (at == 0 ? !begin(run, rows) : rows != run->rows) return 0;
      const Column *first = isMatrix ? columns : columns + column;
      for (u32 k = 0; k < width; k++) {
        u32 own = isMatrix ? k : column;
        if (!fits(type, first + k) || run->seen[own]) return 0;
        run->seen[own] = 1;
        run->order[at + k] = own;
        if (own != at + k) run->shape |= MOVED;
      }
      if (isBinary) {
        u32 bytes;
        p = binarySize(p, &bytes);
        if (!p || bytes > (u32)(run->body + run->length - *binary)) return 0;
        *binary = binaryElements(run, first, width, type, *binary, bytes, rows);
        if (!*binary) return 0;
      } else
        p = elements(run, first, width, type, p, rows);
      if (!p) return 0;
    }
    p = space(p);
    if (*p == '}') return found & DATA ? p + 1 : 0;
    if (*p++ != ',') return 0;
  }
}

// @returns whether each column was read once, and all binary data
static int tensors(Run *run) {
  u32 count = ((const Plan *)run->plan)->count;
  const u8 *p = run->body + run->from, *binary = run->body + run->jsonLength;
  if (*p++ != '[') return 0;
  for (u32 at = 0;; at++) {
    p = space(p);
    if (at == count || *p++ != '{') return 0;
    p = tensor(run, p, at, &binary);
    if (!p) return 0;
    p = space(p);
    if (*p == ']') break;
    if (*p++ != ',') return 0;
  }
  for (u32 k = 0; k < count; k++)
    if (!run->seen[k]) return 0;
  run->lines = (u32)(p + 1 - run->body);
  return run->lines <= run->jsonLength && binary == run->body + run->length;
}

EXPORT("parse") i32 parse(Run *run) {
  v16 zeros = {0};
  for (u32 i = 0; i < PAD; i += 16) __builtin_memcpy(run->body + run->length + i, &zeros, 16);
  u32 count = ((const Plan *)run->plan)->count;
  for (u32 k = 0; k < count; k++) run->seen[k] = 0;
  run->rows = run->unknownCount = run->shape = 0;
  if (run->form == CSV) return csv(run) ? (i32)run->rows : -1;
  if (run->form == TENSORS) return tensors(run) ? (i32)run->rows : -1;
  const u8 *p = space(run->body);
  if (run->form == NATIVE)
    p = native(run, p);
  else
    p = *p == '{' ? wrapped(run, p + 1) : 0;
  return p && space(p) == run->body + run->length ? (i32)run->rows : -1;
}
