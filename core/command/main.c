#include "odeon_run.h"

int main(int argc, char **argv)
{
    return odeon_main(argc, argv);
}
