/** When weights are pruned, and down to how many. */
package io.flipout.schedule;
