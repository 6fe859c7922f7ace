/*
 * A list of objects, `[{...},{...}]`, read as JSON Lines. Its text is rewritten in place, byte for
 * byte, before it is cut into chunks: the outer brackets and the line ends around and inside
 * objects become spaces, the commas between objects newlines. One object is one line then, so an
 * error's line is the number of the object, not a line of the file. For the files of this module.
 */
#ifndef TABLE_JSON_LIST_H
#define TABLE_JSON_LIST_H

#include "base/base.h"

struct json_list {
    enum json_list_state {
        LIST_BEFORE, /* the opening bracket is still to come */
        LIST_FIRST,  /* after it: an object or the end */
        LIST_WANT,   /* after a comma: an object */
        LIST_IN,     /* in an object */
        LIST_STRING, /* in a string of it, */
        LIST_ESCAPE, /* after a backslash there */
        LIST_NEXT,   /* after an object: a comma or the end */
        LIST_AFTER,  /* after the closing bracket: white space alone */
    } state;
    size_t depth;     /* of brackets in the object */
    uint64_t objects; /* begun so far */
};

/* True when the text begins as a list of objects does. */
bool json_is_list(const char *text, size_t n);
/* Rewrites the next n bytes; *list is {0} at first and goes from one call to the next. ERR_DATA
 * when they cannot stand in a list of objects. */
int json_list_rewrite(struct json_list *list, char *text, size_t n, struct error *e);
/* To be called at the end of the text: ERR_DATA when the list is not closed. */
int json_list_end(const struct json_list *list, struct error *e);

#endif
