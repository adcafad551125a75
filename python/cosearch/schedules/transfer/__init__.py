"""Transfer: schedules of tuned workloads for others that are like them."""
