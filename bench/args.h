/* args: a measuring program's arguments. What is wrong with them, or keeps it from measuring, ends it with a
 * message. */
#pragma once

_Noreturn void fail(const char *what);
unsigned long number(const char *text, unsigned long most);
