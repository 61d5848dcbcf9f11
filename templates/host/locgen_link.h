/* locgen's frames, protocol version 1 (docs/protocol.md): COBS, CRC-32, requests and answers.
 * C99, no malloc, nothing to link. To send, to wait, to number and to repeat is the caller's. */
#ifndef LOCGEN_LINK_H
#define LOCGEN_LINK_H

#include <stddef.h>
#include <stdint.h>

#define LOCGEN_PROTOCOL_VERSION 1

enum {
  LOCGEN_HELLO = 0x01,
  LOCGEN_PREDICT = 0x02,
  LOCGEN_EXPLAIN = 0x10,
  LOCGEN_WRITE = 0x20,
  LOCGEN_CHECK = 0x21,
  LOCGEN_RESPONSE = 0x80, /* added to a request's type; alone: an error */
  LOCGEN_ERROR = 0x80
};

/* Payload of an error, in the order in which a device checks. */
enum {
  LOCGEN_UNKNOWN_TYPE = 1,
  LOCGEN_WRONG_LENGTH = 2,
  LOCGEN_BAD_PADDING = 3,
  LOCGEN_REPEATED = 4,
  LOCGEN_OVERRUN = 5,
  LOCGEN_NOT_READY = 6
};

/* The most bytes on the line for a payload of so many: two of header, four of CRC, COBS's own. */
#define LOCGEN_LINE_BYTES(payload) ((payload) + 6u + ((payload) + 6u) / 254u + 2u)

/* A frame that was received; the payload lies in the receiver's buffer until its next byte. */
typedef struct {
  uint8_t type;
  uint8_t sequence;
  const uint8_t *payload;
  size_t size;
} locgen_frame;

/* The bytes between two delimiters, in a buffer of the caller's. */
typedef struct {
  uint8_t *buffer;
  size_t capacity; /* of the longest answer: LOCGEN_LINE_BYTES of its payload */
  size_t length;
  int overlong;
} locgen_receiver;

/* What a device says of itself; `ready` is 0 while a design with memories holds no whole model. */
typedef struct {
  uint64_t digest;
  uint64_t design; /* what the gates were built for: `digest` for a design without memories */
  uint32_t memory_words;
  uint16_t feature_bits;
  uint16_t outputs;
  uint16_t capabilities; /* bit 0 predict, bit 1 explain, bit 2 update */
  uint16_t evidence_bits;
  uint8_t decision_bits;
  uint8_t score_bits;
  uint8_t write_words;
  uint8_t ready;
} locgen_hello;

/* CRC-32 of Ethernet and zlib over `size` bytes more; begins with 0. */
static inline uint32_t locgen_crc32(uint32_t crc, const uint8_t *data, size_t size) {
  size_t n;
  int bit;
  crc = ~crc;
  for (n = 0; n < size; ++n) {
    crc ^= data[n];
    for (bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
  }
  return ~crc;
}

static inline uint64_t locgen_little(const uint8_t *bytes, size_t size) {
  uint64_t value = 0;
  while (size-- > 0) {
    value = (value << 8) | bytes[size];
  }
  return value;
}

/* Write a frame with its delimiter to `line`; return its bytes, 0 if `capacity` is too small. */
static inline size_t locgen_encode(uint8_t type, uint8_t sequence, const uint8_t *payload,
                                   size_t size, uint8_t *line, size_t capacity) {
  uint8_t around[6];
  uint32_t crc;
  size_t n, length = 1, code = 0, body = size + 6;
  int full = 0; /* the last block is full: the next one begins with the next byte, if there is one */
  around[0] = type;
  around[1] = sequence;
  crc = locgen_crc32(locgen_crc32(0, around, 2), payload, size);
  for (n = 0; n < 4; ++n) {
    around[2 + n] = (uint8_t)(crc >> (8 * n));
  }
  if (capacity < body + body / 254 + 2) {
    return 0;
  }
  line[0] = 1;
  for (n = 0; n < body; ++n) {
    const uint8_t byte = n < 2 ? around[n] : n < 2 + size ? payload[n - 2] : around[n - size];
    if (full) {
      code = length++;
      line[code] = 1;
      full = 0;
    }
    if (byte == 0) {
      code = length++;
      line[code] = 1;
    } else {
      line[length++] = byte;
      full = ++line[code] == 255;
    }
  }
  line[length++] = 0;
  return length;
}

/* Decode `length` bytes of COBS in place; return the body's bytes, or -1 if there is none. */
static inline long locgen_decode(uint8_t *line, size_t length) {
  size_t from = 0, to = 0;
  while (from < length) {
    size_t code = line[from++], n;
    if (code == 0 || code - 1 > length - from) {
      return -1;
    }
    for (n = 1; n < code; ++n) {
      if (line[from] == 0) {
        return -1;
      }
      line[to++] = line[from++];
    }
    if (code < 255 && from < length) {
      line[to++] = 0;
    }
  }
  return (long)to;
}

static inline void locgen_receiver_init(locgen_receiver *receiver, uint8_t *buffer,
                                        size_t capacity) {
  receiver->buffer = buffer;
  receiver->capacity = capacity;
  receiver->length = 0;
  receiver->overlong = 0;
}

/* Take a byte of the line; return 1 if it completes a whole frame, which is then in `frame`. */
static inline int locgen_receive(locgen_receiver *receiver, uint8_t byte, locgen_frame *frame) {
  uint8_t *body = receiver->buffer;
  long size;
  if (byte != 0) {
    if (receiver->length == receiver->capacity) {
      receiver->overlong = 1;
    } else {
      body[receiver->length++] = byte;
    }
    return 0;
  }
  size = receiver->overlong ? -1 : locgen_decode(body, receiver->length);
  receiver->length = 0;
  receiver->overlong = 0;
  if (size < 6 || locgen_crc32(0, body, (size_t)size - 4) != locgen_little(body + size - 4, 4)) {
    return 0;
  }
  frame->type = body[0];
  frame->sequence = body[1];
  frame->payload = body + 2;
  frame->size = (size_t)size - 6;
  return 1;
}

/* Read the response to hello; return 1, or 0 if it is another frame or another version. */
static inline int locgen_parse_hello(const locgen_frame *frame, locgen_hello *hello) {
  const uint8_t *said = frame->payload;
  size_t known = 17;
  if (frame->type != LOCGEN_HELLO + LOCGEN_RESPONSE || frame->size < known ||
      said[0] != LOCGEN_PROTOCOL_VERSION) {
    return 0;
  }
  hello->digest = hello->design = locgen_little(said + 1, 8);
  hello->feature_bits = (uint16_t)locgen_little(said + 9, 2);
  hello->decision_bits = said[11];
  hello->score_bits = said[12];
  hello->outputs = (uint16_t)locgen_little(said + 13, 2);
  hello->capabilities = (uint16_t)locgen_little(said + 15, 2);
  hello->ready = 1;
  hello->write_words = 0;
  hello->memory_words = 0;
  hello->evidence_bits = 0;
  if ((hello->capabilities & 4u) != 0 && frame->size >= 31) {
    hello->ready = said[17] & 1u;
    hello->write_words = said[18];
    hello->memory_words = (uint32_t)locgen_little(said + 19, 4);
    hello->design = locgen_little(said + 23, 8);
    known = 31;
  }
  if ((hello->capabilities & 2u) != 0 && frame->size >= known + 2) {
    hello->evidence_bits = (uint16_t)locgen_little(said + known, 2);
  }
  return 1;
}

/* Return the code of an error response, 0 for any other frame. */
static inline int locgen_parse_error(const locgen_frame *frame) {
  return frame->type == LOCGEN_ERROR && frame->size >= 1 ? frame->payload[0] : 0;
}

/* Read decision and `outputs` scores of a response to predict or explain, of designs with up to 64
 * bits of each; return 1, or 0 if it is another frame or a value that cannot be. */
static inline int locgen_parse_result(const locgen_frame *frame, unsigned decision_bits,
                                      unsigned score_bits, unsigned outputs,
                                      unsigned evidence_bits, uint64_t *decision,
                                      int64_t *scores) {
  const size_t decision_bytes = (decision_bits + 7u) / 8u, score_bytes = (score_bits + 7u) / 8u;
  const uint8_t *at = frame->payload;
  size_t size = decision_bytes + outputs * score_bytes;
  unsigned n;
  if (frame->type == LOCGEN_EXPLAIN + LOCGEN_RESPONSE) {
    size += (evidence_bits + 7u) / 8u;
  } else if (frame->type != LOCGEN_PREDICT + LOCGEN_RESPONSE) {
    return 0;
  }
  if (frame->size != size) {
    return 0;
  }
  *decision = locgen_little(at, decision_bytes);
  if (decision_bits > 0 && decision_bits < 64 && (*decision >> decision_bits) != 0) {
    return 0;
  }
  at += decision_bytes;
  for (n = 0; n < outputs; ++n, at += score_bytes) {
    const unsigned spare = 64u - 8u * (unsigned)score_bytes;
    const uint64_t sign = (uint64_t)1 << (8u * (unsigned)score_bytes - 1u);
    uint64_t raw = locgen_little(at, score_bytes);
    int64_t score;
    if (spare > 0 && (raw & sign) != 0) {
      raw |= ~(uint64_t)0 << (64u - spare);
    }
    /* The same bits as a signed number, without leaning on how the compiler converts. */
    score = raw >> 63 ? -(int64_t)(~raw) - 1 : (int64_t)raw;
    if (score_bits < 64 && (score < -((int64_t)1 << (score_bits - 1)) ||
                            score >= (int64_t)1 << (score_bits - 1))) {
      return 0;
    }
    scores[n] = score;
  }
  return 1;
}

#endif
