;; Answers the tool call {"id":"<id>",…} with {"call_id":"<id>",…}: the id is copied as it stands in the JSON.
(module
  (memory (export "memory") 1)

  (data (i32.const 1024) "{\"call_id\":\"")
  (data (i32.const 1040) "\",\"tool_name\":\"hello-wasm\",\"output\":\"Hello from WebAssembly!\",\"is_error\":false}")

  ;; The next free byte.
  (global $next (mut i32) (i32.const 4096))

  ;; A place for that many bytes; 0 where there is none.
  (func $alloc (export "alloc") (param $length i32) (result i32)
    (local $place i32)
    (local.set $place (global.get $next))
    (if (i32.gt_u (local.get $length) (i32.sub (i32.const 65536) (local.get $place)))
      (then (return (i32.const 0))))
    (global.set $next (i32.add (local.get $place) (local.get $length)))
    (local.get $place))

  ;; Everything ends with the call.
  (func (export "dealloc") (param i32 i32))

  ;; The result's place in the high 32 bits, its length in the low.
  (func (export "run") (param $call i32) (param $length i32) (result i64)
    (local $id i32)
    (local $end i32)
    (local $out i32)
    (local $size i32)
    ;; The id begins behind {"id":" and ends at the next quote that no backslash stands before.
    (local.set $id (i32.add (local.get $call) (i32.const 7)))
    (local.set $end (local.get $id))
    (block $found
      (loop $search
        (br_if $found (i32.ge_u (local.get $end) (i32.add (local.get $call) (local.get $length))))
        (br_if $found (i32.eq (i32.load8_u (local.get $end)) (i32.const 34)))
        ;; A backslash takes the next byte along.
        (if (i32.eq (i32.load8_u (local.get $end)) (i32.const 92))
          (then (local.set $end (i32.add (local.get $end) (i32.const 1)))))
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br $search)))
    (local.set $size (i32.sub (local.get $end) (local.get $id)))
    (local.set $out (call $alloc (i32.add (local.get $size) (i32.const 96))))
    (if (i32.eqz (local.get $out)) (then (return (i64.const 0))))
    (memory.copy (local.get $out) (i32.const 1024) (i32.const 12))
    (memory.copy (i32.add (local.get $out) (i32.const 12)) (local.get $id) (local.get $size))
    (memory.copy
      (i32.add (i32.add (local.get $out) (i32.const 12)) (local.get $size))
      (i32.const 1040)
      (i32.const 79))
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $out)) (i64.const 32))
      (i64.extend_i32_u (i32.add (local.get $size) (i32.const 91))))))
