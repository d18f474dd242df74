#!/bin/busybox sh
# The first process on a kernel under test: makes a small system, runs the tests that /tests/list names, one after the
# other, tells what they say by the second serial port, and switches the machine off. The first port is the kernel's.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
chmod 1777 /tmp
ip link set lo up
ulimit -H -n 1048576
ulimit -S -n 1024
exec </dev/null >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 -opost

echo "::: booted $(uname -r)"
mount -t cgroup2 cgroup /sys/fs/cgroup

/tests/kernel-facts
echo "::: facts $?"

# No test is so slow; one that hangs is ended here, and the others still run.
export QEMU_FORK_TEST_NET=500
run=0
while read -r name command <&3; do
    start=$(cut -d' ' -f1 /proc/uptime)
    echo "::: begin $name"
    cd /tmp
    setsid timeout -s KILL 600 $command >/output 2>&1 3<&-
    status=$?
    cat /output
    # Whatever it has left running is not there for the next.
    kill -KILL -1
    end=$(cut -d' ' -f1 /proc/uptime)
    echo "::: end $name $status $start $end"
    run=$((run + 1))
done 3</tests/list
echo "::: done $run"
poweroff -f
