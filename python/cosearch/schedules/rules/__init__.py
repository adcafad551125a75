"""Schedule rules that know the machine: designs for a workload, ranked without measuring any."""
