/* run_services.h: what a run of training does for its observers (odeon_observer_services). */
#ifndef ODEON_CORE_RUN_RUN_SERVICES_H
#define ODEON_CORE_RUN_RUN_SERVICES_H
#include "odeon/observer.h"
#include "run/live_page.h"
#include "run/progress.h"
#include "run/run_dir.h"

/* Borrowed: progress and page may be NULL, and it does without. Not moved once it is in use. */
typedef struct run_services {
    odeon_observer_services table;
    progress *progress;
    live_page *page;
    run_dir *dir;
    bool ends; /* the event under way is the last */
} run_services;

void run_services_init(run_services *s, progress *p, live_page *page, run_dir *dir);

#endif
