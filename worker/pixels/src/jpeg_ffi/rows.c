/*
 * libjpeg's own interface as functions that return. Its errors jump, and a jump
 * must not cross a frame of Rust: each function here is where those end that
 * begin below it. `jpeg_ffi.rs` is the only caller and declares the same.
 *
 * A picture of several scans needs all of its coefficients at once, which are
 * four times the pixels of a half in each direction. Where those take memory that
 * was not there before, as many of the coefficients that they were made of go back
 * to the system meanwhile, so that the two are never there together. Not more: what
 * is kept for the next picture need not be had again.
 */

#if defined(__linux__)
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>
#include <jpegint.h>

/* How a call ended. */
enum { DONE, DAMAGED, TOO_MANY_SCANS, TOO_LATE, OUT_OF_MEMORY };

/* Rows that are asked for at once: libjpeg makes sixteen of a row of blocks at most. */
#define LINES 16
/* Coefficients go back in pieces of so many bytes: a system call each. */
#define PIECE (256 * 1024)

/* What a header says, of which `inks` means four channels instead of three. */
struct heim_jpeg_header {
  uint32_t width, height;
  uint8_t gray, inks;
};

/* The coefficients of a component, of which those above `row` are gone. */
struct coefficients {
  jvirt_barray_ptr array;
  size_t row_bytes;
  JDIMENSION row;
  char *kept;
};

/* What a file says of a scan. */
struct heim_jpeg_scan {
  uint8_t is_progressive, first, last, known, low, count;
  struct {
    uint8_t component, dc, ac;
  } places[D_MAX_BLOCKS_IN_MCU];
  const JHUFF_TBL *codes[2][NUM_HUFF_TBLS];
};

/* Who reads scans instead of libjpeg: says at the beginning of each whether it does,
 * and after each unit how that went and up to which byte it read. */
struct heim_jpeg_reader {
  void *self;
  int (*begin)(void *self, const struct heim_jpeg_scan *);
  void (*restart)(void *self, size_t at);
  int (*read)(void *self, const unsigned char *file, size_t len, JBLOCKROW *blocks, int count, size_t *at);
};

/* As the other side has them. */
_Static_assert(D_MAX_BLOCKS_IN_MCU == 10 && NUM_HUFF_TBLS == 4, "places and codes of a scan");
_Static_assert(offsetof(JHUFF_TBL, huffval) == 17 && sizeof(JBLOCK) == 128, "codes and blocks");

struct heim_jpeg {
  struct jpeg_decompress_struct library;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  struct jpeg_memory_mgr memory;
  struct coefficients components[MAX_COMPONENTS];
  int component_count;
  size_t to_give_back;
  jmp_buf caller;
  int outcome;
  int scans_max;
  struct heim_jpeg_reader reader;
  void (*librarys_start_pass)(j_decompress_ptr);
  boolean (*librarys_decode_mcu)(j_decompress_ptr, JBLOCKROW *);
  const unsigned char *file;
  size_t len;
  unsigned units_to_restart;
  int (*is_in_time)(const void *);
  const void *deadline;
  char text[JMSG_LENGTH_MAX];
};

static struct heim_jpeg *self_of(j_common_ptr library) {
  return library->client_data;
}

static void end(struct heim_jpeg *self, int outcome) {
  self->outcome = outcome;
  longjmp(self->caller, 1);
}

static void on_error(j_common_ptr library) {
  struct heim_jpeg *self = self_of(library);
  library->err->format_message(library, self->text);
  end(self, library->err->msg_code == JERR_OUT_OF_MEMORY ? OUT_OF_MEMORY : DAMAGED);
}

/* After these, the picture is as good as it was meant to be. After all other
 * warnings a part of it is missing or made up. */
static int is_harmless(int warning) {
  switch (warning) {
  case JWRN_EXTRANEOUS_DATA:
  case JWRN_JFIF_MAJOR:
  case JWRN_ADOBE_XFORM:
  case JWRN_NOT_SEQUENTIAL:
    return 1;
  default:
    return 0;
  }
}

static void on_message(j_common_ptr library, int level) {
  if (level < 0 && !is_harmless(library->err->msg_code)) on_error(library);
}

/* How a unit of a scan was. */
enum { WHOLE, CUT_SHORT, BAD_CODE };

/* The next unit's coefficients, in place of one of libjpeg's functions. */
static boolean read_unit(j_decompress_ptr library, JBLOCKROW *blocks) {
  struct heim_jpeg *self = self_of((j_common_ptr)library);
  struct jpeg_source_mgr *source = library->src;
  const struct heim_jpeg_reader *reader = &self->reader;
  size_t at = 0;
  if (library->restart_interval != 0) {
    if (self->units_to_restart == 0) {
      if (!library->marker->read_restart_marker(library)) ERREXIT(library, JERR_CANT_SUSPEND);
      reader->restart(reader->self, (size_t)(source->next_input_byte - self->file));
      self->units_to_restart = library->restart_interval;
    }
    self->units_to_restart--;
  }
  int outcome = reader->read(reader->self, self->file, self->len, blocks, library->blocks_in_MCU, &at);
  source->next_input_byte = self->file + at;
  source->bytes_in_buffer = self->len - at;
  if (outcome == CUT_SHORT) WARNMS(library, JWRN_HIT_MARKER);
  if (outcome == BAD_CODE) WARNMS(library, JWRN_HUFF_BAD_CODE);
  return TRUE;
}

/* At the beginning of a scan, when libjpeg has looked at what the file says of it. */
static void begin_scan(struct heim_jpeg *self) {
  struct jpeg_decompress_struct *library = &self->library;
  struct heim_jpeg_scan scan = {
    .is_progressive = library->progressive_mode,
    .first = (uint8_t)library->Ss,
    .last = (uint8_t)library->Se,
    .known = (uint8_t)library->Ah,
    .low = (uint8_t)library->Al,
    .count = (uint8_t)library->blocks_in_MCU,
  };
  for (int at = 0; at < library->blocks_in_MCU; at++) {
    int component = library->MCU_membership[at];
    scan.places[at].component = (uint8_t)component;
    scan.places[at].dc = (uint8_t)library->cur_comp_info[component]->dc_tbl_no;
    scan.places[at].ac = (uint8_t)library->cur_comp_info[component]->ac_tbl_no;
  }
  for (int table = 0; table < NUM_HUFF_TBLS; table++) {
    scan.codes[0][table] = library->dc_huff_tbl_ptrs[table];
    scan.codes[1][table] = library->ac_huff_tbl_ptrs[table];
  }
  /* For progressive scans, libjpeg has just chosen its own. */
  if (library->entropy->decode_mcu != read_unit) self->librarys_decode_mcu = library->entropy->decode_mcu;
  library->entropy->decode_mcu = self->librarys_decode_mcu;
  if (!self->reader.begin(self->reader.self, &scan)) return;
  self->file = library->src->next_input_byte;
  self->len = library->src->bytes_in_buffer;
  self->reader.restart(self->reader.self, 0);
  self->units_to_restart = library->restart_interval;
  library->entropy->decode_mcu = read_unit;
}

static void start_pass(j_decompress_ptr library) {
  struct heim_jpeg *self = self_of((j_common_ptr)library);
  self->librarys_start_pass(library);
  begin_scan(self);
}

/* The first scan has begun by then, and nothing of it is read. */
static void take_scans_over(struct heim_jpeg *self) {
  struct jpeg_decompress_struct *library = &self->library;
  if (self->librarys_start_pass != NULL || library->arith_code || library->master->lossless) return;
  self->librarys_start_pass = library->entropy->start_pass;
  library->entropy->start_pass = start_pass;
  begin_scan(self);
}

/* Once for each row of blocks that is read, and for each call for rows. */
static void on_progress(j_common_ptr library) {
  struct heim_jpeg *self = self_of(library);
  if (self->library.input_scan_number > self->scans_max) end(self, TOO_MANY_SCANS);
  if (!self->is_in_time(self->deadline)) end(self, TOO_LATE);
  take_scans_over(self);
}

static jvirt_barray_ptr on_request(j_common_ptr library, int pool, boolean zeroed, JDIMENSION blocks,
                                   JDIMENSION rows, JDIMENSION rows_at_once) {
  struct heim_jpeg *self = self_of(library);
  jvirt_barray_ptr array = self->memory.request_virt_barray(library, pool, zeroed, blocks, rows, rows_at_once);
  if (self->component_count < MAX_COMPONENTS) {
    struct coefficients *component = &self->components[self->component_count++];
    component->array = array;
    component->row_bytes = (size_t)blocks * sizeof(JBLOCK);
  }
  return array;
}

/* Gives whole pages back whose content nobody reads again. They stay mapped, so
 * that what reads them all the same reads zeros. */
static void give_back(char *from, char *to) {
#if defined(__linux__)
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = ((uintptr_t)from + page - 1) / page * page;
  uintptr_t end = (uintptr_t)to / page * page;
  if (first < end) madvise((void *)first, end - first, MADV_DONTNEED);
#else
  (void)from;
  (void)to;
#endif
}

/* Rows are asked for from the top to the bottom, and once all scans are read for
 * pixels alone: then none above the first of them is asked for again. */
static JBLOCKARRAY on_access(j_common_ptr library, jvirt_barray_ptr array, JDIMENSION row, JDIMENSION rows,
                             boolean writable) {
  struct heim_jpeg *self = self_of(library);
  JBLOCKARRAY blocks = self->memory.access_virt_barray(library, array, row, rows, writable);
  if (writable || self->to_give_back == 0) return blocks;
  for (int at = 0; at < self->component_count; at++) {
    struct coefficients *component = &self->components[at];
    char *first = (char *)blocks[0];
    if (component->array != array) continue;
    if (component->kept != NULL) {
      size_t bytes = (size_t)(row - component->row) * component->row_bytes;
      if (row <= component->row || bytes < PIECE) continue;
      /* Else libjpeg had to take them in several pieces. */
      if ((uintptr_t)first - (uintptr_t)component->kept == bytes) {
        give_back(component->kept, first);
        self->to_give_back -= bytes < self->to_give_back ? bytes : self->to_give_back;
      }
    }
    component->kept = first;
    component->row = row;
  }
  return blocks;
}

/* `NULL` if there is no memory. The deadline, and the file of the first call, stay
 * where they are until `heim_jpeg_close`. */
struct heim_jpeg *heim_jpeg_open(int scans_max, int (*is_in_time)(const void *), const void *deadline) {
  struct heim_jpeg *self = calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  self->scans_max = scans_max;
  self->is_in_time = is_in_time;
  self->deadline = deadline;
  self->library.client_data = self;
  self->library.err = jpeg_std_error(&self->errors);
  self->errors.error_exit = on_error;
  self->errors.emit_message = on_message;
  self->progress.progress_monitor = on_progress;
  return self;
}

void heim_jpeg_close(struct heim_jpeg *self) {
  jpeg_destroy_decompress(&self->library);
  free(self);
}

/* What went wrong, in libjpeg's words; empty if it has none. */
const char *heim_jpeg_text(const struct heim_jpeg *self) {
  return self->text;
}

/* An error is final: libjpeg would go on in the middle of it. */
#define RETURN_HERE(self) \
  if ((self)->outcome != DONE || setjmp((self)->caller) != 0) return (self)->outcome

/* The first call. */
int heim_jpeg_read_header(struct heim_jpeg *self, const unsigned char *file, size_t len,
                          struct heim_jpeg_header *header) {
  struct jpeg_decompress_struct *library = &self->library;
  RETURN_HERE(self);
  jpeg_create_decompress(library);
  library->progress = &self->progress;
  library->mem->max_memory_to_use = 0;
  self->memory = *library->mem;
  library->mem->request_virt_barray = on_request;
  library->mem->access_virt_barray = on_access;
  jpeg_mem_src(library, file, (unsigned long)len);
  jpeg_read_header(library, TRUE);
  header->width = library->image_width;
  header->height = library->image_height;
  header->gray = library->jpeg_color_space == JCS_GRAYSCALE;
  header->inks = library->jpeg_color_space == JCS_CMYK || library->jpeg_color_space == JCS_YCCK;
  library->out_color_space = header->inks ? JCS_CMYK : JCS_EXT_RGB;
  return DONE;
}

/* The second: to one of so many of each side, where the file can be scaled. */
int heim_jpeg_scale(struct heim_jpeg *self, unsigned denominator, uint32_t *width, uint32_t *height) {
  struct jpeg_decompress_struct *library = &self->library;
  RETURN_HERE(self);
  library->scale_num = 1;
  library->scale_denom = denominator;
  library->dct_method = JDCT_ISLOW;
  library->do_fancy_upsampling = TRUE;
  jpeg_calc_output_dimensions(library);
  *width = library->output_width;
  *height = library->output_height;
  return DONE;
}

/* The third, in which all scans are read if there are several. Rows will take so
 * many bytes of memory that was not there before. */
int heim_jpeg_start(struct heim_jpeg *self, size_t fresh_bytes, const struct heim_jpeg_reader *reader) {
  RETURN_HERE(self);
  self->to_give_back = fresh_bytes;
  self->reader = *reader;
  jpeg_start_decompress(&self->library);
  return DONE;
}

/* The next rows, each of `row_bytes`, which is all of a row. */
int heim_jpeg_read_rows(struct heim_jpeg *self, unsigned char *into, unsigned rows, size_t row_bytes) {
  struct jpeg_decompress_struct *library = &self->library;
  RETURN_HERE(self);
  if ((size_t)library->output_width * (size_t)library->output_components != row_bytes) end(self, DAMAGED);
  unsigned done = 0;
  while (done < rows) {
    JSAMPROW lines[LINES];
    unsigned count = rows - done < LINES ? rows - done : LINES;
    for (unsigned at = 0; at < count; at++) lines[at] = into + (done + at) * row_bytes;
    done += jpeg_read_scanlines(library, lines, count);
  }
  return DONE;
}

/* The last: reads to the end of the file. */
int heim_jpeg_finish(struct heim_jpeg *self) {
  RETURN_HERE(self);
  jpeg_finish_decompress(&self->library);
  return DONE;
}
