/**
 * Networks by name or by file: what {@code --model} and a saved run come down to. Knows {@code run}
 * and {@code option}; never a command or a training.
 */
package io.flipout.cli.network;
