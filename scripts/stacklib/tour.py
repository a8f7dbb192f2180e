def show(stack): pass
