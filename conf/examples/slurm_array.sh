#!/bin/sh
# Tolerances times seeds as an array of Slurm (Debian: slurm-wlm), one run a task:
#
#   sbatch conf/examples/slurm_array.sh INI FOLDER
#
# in the folder from which INI, FOLDER and conf/examples are found. A minute before its time is up a
# task is sent SIGTERM and its run saves what it has; submitted again, the array runs what has failed
# or was stopped. Alone, with SLURM_ARRAY_TASK_ID=1 to 6 in its environment, it is that task.
#SBATCH --job-name=odeon
#SBATCH --array=1-6
#SBATCH --cpus-per-task=2
#SBATCH --time=01:00:00
#SBATCH --signal=TERM@60
set -eu
[ $# -eq 2 ] || { echo "slurm_array.sh: give INI FOLDER" >&2 && exit 2; }
number=${SLURM_ARRAY_TASK_ID:?is not set: this is for sbatch}
tolerances="1e-3 1e-5" seeds="1 2 3" i=0

for rtol in $tolerances; do
    for seed in $seeds; do
        i=$((i + 1))
        [ "$i" -ne "$number" ] || break 2
    done
done
[ "$i" -eq "$number" ] || { echo "slurm_array.sh: task $number of $i" >&2 && exit 2; }

# srun's steps are what the signal goes to.
exec ${SLURM_JOB_ID:+srun} conf/examples/one_run.sh "$2/rtol=$rtol,seed=$seed" "$1" \
    "model.ode.rtol=$rtol" "run.seed=$seed" "run.workers=${SLURM_CPUS_PER_TASK:-1}"
