#!/bin/sh
# Imitates a training process for the window, without a model: sh rehearsal.sh MODE PACE train …
#   MODE  spin    trains until stopped
#         fetch   the same, after downloading the language model
#         deaf    ignores stop
#         die     is killed halfway
#         fail    fails with an error and a remedy
#         mute    prints nothing until stopped
#   PACE  seconds between two events
# No mode finishes successfully: that takes a model, which only the real program writes.
# When paused, writes the number of epochs printed so far to OUT.paused.
mode=$1 pace=$2
shift 3

out=
while [ $# -gt 0 ]; do
    [ "$1" = --out ] && out=$2
    shift
done
heard=$(mktemp)
# Background processes get no standard input: pass it as another file descriptor.
exec 3<&0
(while read -r line; do echo "$line" >>"$heard"; done) <&3 >/dev/null 2>&1 &
listener=$!
trap 'kill $listener 2>/dev/null; rm -f "$heard"' EXIT
echo "loading the encoder" >&2
sleep "$pace"
while [ "$mode" = mute ]; do
    grep -q stop "$heard" && exit 0
    sleep "$pace"
done
if [ "$mode" = fetch ]; then
    for part in 1 2 3 4 5 6 7 8 9; do
        echo "{\"event\":\"model\",\"done\":${part}0000000,\"total\":90900000,\"source\":\"the model hub\"}"
        sleep "$pace"
    done
fi
if [ "$mode" = fail ]; then
    echo "warning: something about the disk" >&2
    echo '{"event":"failed","error":"The disk is full: 12 MB are free, 90 MB are needed","remedy":"Free some space, then train again"}'
    exit 1
fi
for done in 100 400 640 852; do
    echo "{\"event\":\"embed\",\"done\":$done,\"total\":852,\"unheard\":\"of\"}"
    sleep "$pace"
done
echo '{"event":"future","what":"ever"}'
epoch=0 epochs=4000
while [ $epoch -lt $epochs ]; do
    epoch=$((epoch + 1))
    if tail -n 1 "$heard" | grep -q pause; then
        epoch=$((epoch - 1))
        [ -e "$out.paused" ] || { echo $epoch >"$out.tmp" && mv "$out.tmp" "$out.paused"; }
        sleep "$pace"
        continue
    fi
    awk -v e=$epoch -v n=$epochs -v pace="$pace" 'BEGIN {
        d = exp(-e / 9); j = (e * 7919 % 13 - 6) / 900
        printf "{\"event\":\"epoch\",\"epoch\":%d,\"epochs\":%d,\"loss\":%.4f,\"train\":{\"rp@1\":%.4f,\"rrk\":0.9},\"val\":{\"rp@1\":%.4f,\"rrk\":0.9},\"eta_s\":%.1f}\n",
            e - 1, n, 0.5 + 1.6 * d + j, 0.95 - 0.29 * d + j, 0.90 - 0.22 * d - (e > 28 ? (e - 28) / 900 : 0) + j, (n - e) * (pace + 0.01)
    }'
    [ $epoch -le 28 ] && echo "{\"event\":\"best\",\"epoch\":$((epoch - 1))}"
    if [ "$mode" = die ] && [ $epoch -eq 12 ]; then
        echo "about to be killed" >&2
        kill -9 $$
    fi
    [ "$mode" != deaf ] && grep -q stop "$heard" && break
    [ "$mode" = deaf ] && epoch=1
    sleep "$pace"
done
mkdir -p "$out" && echo '{}' >"$out/nearsay.json"
settings='{"recipe":"quick","epochs":20,"batch":256,"lr":0.01,"weight_decay":0,"seed":42,"head":{"kind":"empty","dim":256},"scale":20,"distance":"plain_cosine","symmetric":true,"mask_equal_answers":true,"normalize":false,"shuffle":true,"keep":"last"}'
printf '{"event":"finished","report":{"dir":"out","encoder":"compact","settings":%s,"train_rows":640,"held_out":160,"epochs":%d,"kept_epoch":null,"stopped":true,"before":null,"after":null,"train":null,"val":null,"fresh_texts":0,"embed_s":0,"train_s":0}}\n' "$settings" "$epoch"
