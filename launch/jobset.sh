#!/usr/bin/env bash
# Trains on Kubernetes: a JobSet (https://jobset.sigs.k8s.io) of one process a
# host, which starts all of them again when one is lost or preempted.
#
# Usage: NAME=student IMAGE=registry/akd_jax CLAIM=shared launch/jobset.sh
#            [--dry-run] [options of akd_jax.main]
#
#   NAME   of the JobSet
#   IMAGE  in which `python -m akd_jax.main` runs: a Python image with this
#          checkout and `launch/setup.sh cuda`
#   CLAIM  a PersistentVolumeClaim that all hosts can write, mounted at /shared
#   HOSTS  how many hosts (2)
#   GPUS   of each host (8)
#
# --workdir, --config.teacher and --config.data.path must be below /shared. The
# cache is /shared/cache. --dry-run prints the manifest, for kubectl or a
# repository.
# What can never succeed (bad input, a loss that became NaN, a full disk: exit
# status 2, 70 and 74) is not started again; everything else is, up to 100
# times.
set -euo pipefail

# shellcheck source=launch/options.sh
source "$(dirname "${BASH_SOURCE[0]}")/options.sh"
if [[ -z "${NAME:-}" || -z "${IMAGE:-}" || -z "${CLAIM:-}" ]]; then
  echo "launch/jobset.sh: set NAME, IMAGE and CLAIM; see --help" >&2
  exit 2
fi
if [[ $# -eq 0 ]]; then
  echo "launch/jobset.sh: no options for akd_jax.main; see --help" >&2
  exit 2
fi

# A single-quoted YAML string: "on" would else be no name.
quote() {
  printf "'%s'" "${1//\'/\'\'}"
}

# To Kubernetes $(NAME) is a variable, and two $ are one.
list_arguments() {
  local argument
  for argument in "$@"; do
    printf '              - %s\n' "$(quote "${argument//\$/\$\$}")"
  done
}

manifest() {
  local hosts="${HOSTS:-2}"
  cat <<EOF
apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata:
  name: $(quote "$NAME")
spec:
  network:
    enableDNSHostnames: true
  failurePolicy:
    maxRestarts: 100
    rules:
    - name: cannotSucceed
      action: FailJobSet
      onJobFailureReasons: [PodFailurePolicy]
  replicatedJobs:
  - name: hosts
    replicas: 1
    template:
      spec:
        completionMode: Indexed
        parallelism: $hosts
        completions: $hosts
        backoffLimit: 0
        podFailurePolicy:
          rules:
          - action: FailJob
            onExitCodes:
              containerName: akd
              operator: In
              values: [2, 70, 74]
        template:
          spec:
            restartPolicy: Never
            # It saves in the meantime.
            terminationGracePeriodSeconds: 300
            containers:
            - name: akd
              image: $(quote "$IMAGE")
              env:
              - name: HOST_INDEX
                valueFrom:
                  fieldRef:
                    fieldPath: metadata.annotations['batch.kubernetes.io/job-completion-index']
              # A container's own would be lost when it is started again.
              - name: XDG_CACHE_HOME
                value: /shared/cache
              command: [python, -u, -m, akd_jax.main]
              args:
$(list_arguments "$@")
              - --distributed
              - --coordinator=$NAME-hosts-0-0.$NAME:1234
              - --process_count=$hosts
              - --process_index=\$(HOST_INDEX)
              resources:
                limits:
                  nvidia.com/gpu: ${GPUS:-8}
              volumeMounts:
              - name: shared
                mountPath: /shared
              # Processes on a host exchange through it.
              - name: memory
                mountPath: /dev/shm
            volumes:
            - name: shared
              persistentVolumeClaim:
                claimName: $(quote "$CLAIM")
            - name: memory
              emptyDir: {medium: Memory}
EOF
}

if [[ -n "$dry_run" ]]; then
  manifest "$@"
else
  manifest "$@" | kubectl apply -f -
fi
