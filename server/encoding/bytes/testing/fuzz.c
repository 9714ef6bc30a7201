// Attacks the kernel with changed bodies, each in memory of its exact size: compiled with sanitizers, any access beyond it
// ends the program. Usage: fuzz PLAN SEED RUNS BODY...; PLAN is written by kernel.fuzz.test.ts.
#include "../kernel.c"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double readNumber(const u8 *from, u32 length) {
  char *text = malloc(length + 1);
  memcpy(text, from, length);
  text[length] = 0;
  double value = strtod(text, 0);
  free(text);
  return value;
}

static u8 *readFile(const char *name, u32 *length) {
  FILE *file = fopen(name, "rb");
  if (!file) exit(2);
  fseek(file, 0, SEEK_END);
  *length = (u32)ftell(file);
  rewind(file);
  u8 *bytes = aligned_alloc(16, (*length + 15) & ~15u);
  if (fread(bytes, 1, *length, file) != *length) exit(2);
  fclose(file);
  return bytes;
}

static u64 state;

static u32 below(u32 n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return n ? (u32)((state >> 20) % n) : 0;
}

static const char *TOKENS[] = {"\"", "\\", "[", "]", "{", "}", ",", ":", "0", "1", "-", ".", "e", "n", "null", "true", "false",
                               " ",  "\n", "\r\n", ";", "True", "00", "1e999", "0.12345678901234567", "\"columns\"", "\"data\"", "\"index\"",
                               "\"parameters\":", "{\"binary_data_size\":9}", "[2,8]", "\"FP64\"", "\"UINT8\"", "\"BYTES\""};

// One change: a byte, a token put in or over, a range taken out or doubled, or an end.
static u32 change(u8 *body, u32 length, u32 room) {
  u32 at = below(length + 1);
  u32 n = below(24);
  if (n > length - at) n = length - at;
  switch (below(6)) {
    case 0:
      if (at < length) body[at] = (u8)below(256);
      return length;
    case 1:
    case 2: {
      const char *token = TOKENS[below(sizeof TOKENS / sizeof *TOKENS)];
      u32 size = (u32)strlen(token);
      if (length + size > room) return length;
      memmove(body + at + size, body + at, length - at);
      memcpy(body + at, token, size);
      return length + size;
    }
    case 3:
      memmove(body + at, body + at + n, length - at - n);
      return length - n;
    case 4:
      if (length + n > room) return length;
      memmove(body + at + n, body + at, length - at);
      return length + n;
    default:
      return below(8) ? length : at;
  }
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  u32 size;
  u8 *file = readFile(argv[1], &size);
  // The number of tables, their offsets, the powers of five, the plan.
  const u32 *words = (const u32 *)file;
  u32 tables = words[0];
  u32 head = 4 * (1 + tables);
  memcpy(powers, file + head, sizeof powers);
  u32 planSize = size - head - (u32)sizeof powers;
  u8 *plan = aligned_alloc(16, planSize);
  memcpy(plan, file + head + sizeof powers, planSize);
  for (u32 i = 0; i < tables; i++) {
    Table *table = (Table *)(plan + words[1 + i]);
    table->factor = 0x9e3779b97f4a7c15ull;
    place(plan, table);
  }
  u32 features = ((Plan *)plan)->features, aside = ((Plan *)plan)->aside, count = ((Plan *)plan)->count;
  state = strtoull(argv[2], 0, 10) * 2 + 1;
  u32 runs = (u32)atoi(argv[3]), taken = 0;
  for (u32 i = 0; i < runs; i++) {
    u32 length;
    u8 *seed = readFile(argv[4 + below((u32)argc - 4)], &length);
    u32 room = length + 256;
    u8 *changed = malloc(room);
    memcpy(changed, seed, length);
    free(seed);
    for (u32 edits = below(4); edits; edits--) length = change(changed, length, room);
    u8 *body = malloc(length + PAD);
    memcpy(body, changed, length);
    free(changed);
    u32 likely = length > 9 && !memcmp(body, "{\"inputs\"", 9) ? TENSORS : *body == '{' || *body == '[' ? below(CSV) : CSV;
    u32 form = below(8) ? likely : below(TENSORS + 1);
    u32 maxRows = 1 + below(16), maxUnknown = below(16);
    Run run = {.plan = plan, .body = body, .length = length, .form = form, .maxRows = maxRows, .maxUnknown = maxUnknown};
    run.out = malloc(4 * ((size_t)maxRows * features + 3));
    run.aside = malloc(8 * (size_t)maxRows * aside);
    run.starts = malloc(4 * (maxRows + 1));
    run.unknown = malloc(sizeof(Unknown) * maxUnknown);
    // Any part of the body may be binary data of tensors. CSV is read by each delimiter and decimal sign; some have more cells than columns.
    run.jsonLength = length - below(2) * below(length + 1);
    run.from = below(8) ? 10 : below(run.jsonLength + 1);
    if (run.from > run.jsonLength) run.from = run.jsonLength;
    run.width = count + below(3);
    run.delimiter = (u8) ",,;\t|"[below(5)];
    run.decimal = (u8) ".,"[below(2)];
    run.index = below(2);
    run.order = malloc(4 * run.width);
    for (u32 k = 0; k < run.width; k++) run.order[k] = k < count ? k : SKIPPED;
    if (run.width > count && below(2)) {
      run.order[0] = INDEX;
      for (u32 k = 1; k <= count; k++) run.order[k] = k - 1;
    }
    run.seen = malloc(4 * count);
    i32 rows = parse(&run);
    if (rows >= 0) {
      taken++;
      if ((u32)rows != run.rows || run.rows == 0 || run.rows > maxRows || run.unknownCount > maxUnknown) abort();
      for (u32 row = 0; run.form != TENSORS && row < run.rows; row++)
        if (run.starts[row] >= run.starts[row + 1] || run.starts[row + 1] > length) abort();
      for (u32 k = 0; k < run.unknownCount; k++)
        if (run.unknown[k].row >= run.rows || run.unknown[k].column >= count ||
            run.unknown[k].from + run.unknown[k].length > length)
          abort();
    }
    free(run.out);
    free(run.aside);
    free(run.starts);
    free(run.unknown);
    free(run.order);
    free(run.seen);
    free(body);
  }
  printf("%u of %u taken\n", taken, runs);
  free(plan);
  free(file);
  return 0;
}
