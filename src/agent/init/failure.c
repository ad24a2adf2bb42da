/* SPDX-License-Identifier: MIT */
#include "agent/init/failure.h"

#include <sys/reboot.h>
#include <unistd.h>

#include "agent/common/report.h"

const char report_name[] = "ashlar-init";

void failure_end(const struct failure *failure, const struct err *e)
{
	report(REPORT_EMERG, "%s", e->msg);
	if (failure->reboot) {
		report(REPORT_EMERG, "restarting in %u s", failure->delay_sec);
		sleep(failure->delay_sec);
		reboot(RB_AUTOBOOT);
	}
	report(REPORT_EMERG, "stopped: the machine can be reset or switched off");
	/* The kernel panics when its first process ends. */
	for (;;)
		pause();
}
