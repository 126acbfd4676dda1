/**
 * Options that commands share, how they are written on the command line and in YAML. Knows {@code
 * terminal} only; an option that belongs to a method lives in {@code method}.
 */
package io.flipout.cli.option;
