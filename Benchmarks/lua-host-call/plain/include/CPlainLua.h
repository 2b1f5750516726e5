#ifndef PERIGEE_CPLAINLUA_H
#define PERIGEE_CPLAINLUA_H
/* The peer of the comparison: a stock Lua state, stock libraries, plain C functions. */
#include <stdint.h>

typedef struct plain_state plain_state;

/* Runs the text, which hands functions over by `host.on(name, function)`. NULL when that fails. */
plain_state *plain_open(const char *text);
/* Calls one of them with a number; -1 when it raises. */
int plain_call(plain_state *state, const char *name, int64_t number);
void plain_close(plain_state *state);

#endif
