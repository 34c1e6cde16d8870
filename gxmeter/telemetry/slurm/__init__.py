"""What ``sacct`` prints: lines of jobs and steps, where they ran, and which of their energies counts."""
