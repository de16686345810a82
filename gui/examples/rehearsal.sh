#!/bin/sh
# Plays the engine of the window, without a model: sh rehearsal.sh MODE PACE train|ask …
#   MODE  good    learns, and is better afterwards
#         fetch   the same, after getting the language model
#         fail    says that it failed, and why
#         die     is killed in the middle; goes on when resumed
#         deaf    never stops by itself
#         spin    learns for ever
#         mute    says nothing until it is stopped
#   PACE  seconds between two events
mode=$1 pace=$2 command=$3
shift 3

train() {
    resume=no out=
    while [ $# -gt 0 ]; do
        case $1 in
        --out) out=$2 ;;
        --resume) resume=yes ;;
        esac
        shift
    done
    heard=$(mktemp)
    # What runs behind gets no standard input of its own: hand it over by another number.
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
    epoch=0 epochs=40
    [ "$mode" = spin ] && epochs=4000
    while [ $epoch -lt $epochs ]; do
        epoch=$((epoch + 1))
        tail -n 1 "$heard" | grep -q pause && { sleep "$pace"; epoch=$((epoch - 1)); continue; }
        awk -v e=$epoch -v n=$epochs -v pace="$pace" 'BEGIN {
            d = exp(-e / 9); j = (e * 7919 % 13 - 6) / 900
            printf "{\"event\":\"epoch\",\"epoch\":%d,\"epochs\":%d,\"loss\":%.4f,\"train\":{\"rp@1\":%.4f,\"rrk\":0.9},\"val\":{\"rp@1\":%.4f,\"rrk\":0.9},\"eta_s\":%.1f}\n",
                e - 1, n, 0.5 + 1.6 * d + j, 0.95 - 0.29 * d + j, 0.90 - 0.22 * d - (e > 28 ? (e - 28) / 900 : 0) + j, (n - e) * (pace + 0.01)
        }'
        [ $epoch -le 28 ] && echo "{\"event\":\"best\",\"epoch\":$((epoch - 1))}"
        if [ "$mode" = die ] && [ $resume = no ] && [ $epoch -eq 12 ]; then
            echo "about to be killed" >&2
            kill -9 $$
        fi
        [ "$mode" != deaf ] && grep -q stop "$heard" && break
        [ "$mode" = deaf ] && epoch=1
        sleep "$pace"
    done
    mkdir -p "$out" && echo '{}' >"$out/nearsay.json"
    echo "{\"event\":\"finished\",\"report\":{\"before\":{\"recall@1\":0.738,\"recall@5\":0.9},\"after\":{\"recall@1\":0.907,\"recall@5\":0.97},\"held_out\":122,\"dir\":\"$out\"}}"
}

ask() {
    while read -r question; do
        sleep "$pace"
        case $question in
        fail) echo '{"error":"The model folder is gone","remedy":"Train again"}' ;;
        die) exit 3 ;;
        odd*) echo "{\"question\":\"$question\",\"answers\":[{\"answer\":\"The reading room is open from 8 in the morning.\",\"question\":null,\"score\":0.31,\"row\":7}],\"confident\":false}" ;;
        none) echo '{"question":"none","answers":[],"confident":false}' ;;
        *) cat <<ANSWER
{"question":"$question","answers":[{"answer":"Tell us at once, at any desk or by phone, so that nobody can borrow in your name. We block the card the same minute. A new one costs 3 euros and is ready while you wait; your loans and reservations move over to it.","question":"What should I do if my library card is lost or stolen?","score":0.93,"row":38},{"answer":"Yes, once, if you show an identity document with a photo. Please bring the card the next time.","question":"Can I borrow without my card with me?","score":0.61,"row":41},{"answer":"Bring us a copy of the same edition, or pay the price of a new one plus 4 euros for processing.","question":"What happens if I lose a book?","score":0.33,"row":112}],"confident":true}
ANSWER
            ;;
        esac
    done
}

"$command" "$@"
