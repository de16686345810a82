/* Starts the program on this machine. */
#include <stdio.h>

int nearsay_main(void);

void nearsay_print(const char *text, size_t length) { fwrite(text, 1, length, stdout); }

/* Never called: the program stops at a panic, but the libraries of this machine's compiler, made
   before, would rather unwind the stack, and name what does that. */
void rust_eh_personality(void) {}

int main(void) { return nearsay_main(); }
