/* The program is the library with this around it: odeon_main is what other programs and tests call.
 */
#include "odeon_run.h"

int main(int argc, char **argv)
{
    return odeon_main(argc, argv);
}
